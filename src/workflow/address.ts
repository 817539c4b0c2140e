import type { ChangeFinding, NodeName } from './findings.ts';
import { nameOf, type Prompt } from './prompt.ts';

/** `NODE.INPUT=VALUE`, taken apart; INPUT may contain dots itself where a node has such an input. */
export interface Asked {
  node: string;
  input: string;
  value: string;
}

export type Answer<T> = { ok: T } | { finding: ChangeFinding };

/** Takes `NODE.INPUT=VALUE` apart: at the first `=`, and at the dot after which an input of NODE begins. */
export function readChange(text: string, prompt: Prompt): Answer<Asked> {
  const equals = text.indexOf('=');
  const target = equals < 0 ? text : text.slice(0, equals);
  const dots = [...target].flatMap((character, at) => (character === '.' ? [at] : []));
  const splits = dots
    .map((at) => ({ node: target.slice(0, at), input: target.slice(at + 1) }))
    .filter(({ node, input }) => node !== '' && input !== '');
  const [first] = splits;
  if (equals < 0 || first === undefined) return { finding: { kind: 'changeMalformed', asked: text } };
  const value = text.slice(equals + 1);
  const fitting = splits.find(({ node, input }) =>
    candidates(node, prompt).some((id) => Object.hasOwn(prompt[id]?.inputs ?? {}, input)),
  );
  const known = fitting ?? splits.find(({ node }) => candidates(node, prompt).length > 0) ?? first;
  return { ok: { ...known, value } };
}

/** The node that a text means: by id, then by title, then by class, where that is one node only. */
export function findNode(asked: string, prompt: Prompt): Answer<string> {
  const ids = candidates(asked, prompt);
  const [id] = ids;
  if (id === undefined) {
    return { finding: { kind: 'nodeNotFound', asked, nodes: names(Object.keys(prompt), prompt) } };
  }
  if (ids.length > 1) return { finding: { kind: 'nodeAmbiguous', asked, nodes: names(ids, prompt) } };
  return { ok: id };
}

/** The way that finds something first counts; capitals matter only where they tell nodes apart. */
function candidates(asked: string, prompt: Prompt): string[] {
  if (Object.hasOwn(prompt, asked)) return [asked];
  const nodes = Object.entries(prompt);
  const ways: ((node: Prompt[string]) => string | undefined)[] = [
    (node) => node._meta?.title,
    (node) => node.class_type,
  ];
  for (const fold of [(text: string) => text, (text: string) => text.toLowerCase()]) {
    for (const way of ways) {
      const found = nodes.filter(([, node]) => {
        const name = way(node);
        return name !== undefined && fold(name) === fold(asked);
      });
      if (found.length > 0) return found.map(([id]) => id);
    }
  }
  return [];
}

function names(ids: readonly string[], prompt: Prompt): NodeName[] {
  return ids.flatMap((id) => {
    const node = prompt[id];
    return node === undefined ? [] : [nameOf(id, node)];
  });
}
