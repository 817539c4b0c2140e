import { createHash } from 'node:crypto';
import type { Prompt, PromptNode } from './job.ts';
import { writeJson } from './json.ts';

export function isLink(value: unknown): value is [string | number, number] {
  return Array.isArray(value) && value.length === 2 && typeof value[1] === 'number';
}

/** The nodes that feed this one. */
export function sourcesOf(node: PromptNode): string[] {
  return Object.values(node.inputs ?? {}).flatMap((value) => (isLink(value) ? [String(value[0])] : []));
}

/** A digest of each node and of everything upstream of it, but not of ids: what makes two runs the same. */
export function signatures(prompt: Prompt, changed: (node: PromptNode) => string): Map<string, string> {
  const known = new Map<string, string>();
  const of = (id: string): string => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const node = prompt[id];
    // Against cycles among nodes that lead to no output.
    known.set(id, '');
    if (!node) return '';
    const inputs = Object.entries(node.inputs ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, isLink(value) ? [of(String(value[0])), value[1]] : { value }]);
    const text = writeJson([node.class_type, changed(node), inputs]);
    const digest = createHash('sha1').update(text).digest('base64');
    known.set(id, digest);
    return digest;
  };
  for (const id of Object.keys(prompt)) of(id);
  return known;
}

/** The outputs and what they need, each after its sources. What is cached needs nothing. */
export function orderOf(
  prompt: Prompt,
  outputs: readonly string[],
  isCached: (id: string) => boolean,
): string[] {
  const order = new Set<string>();
  const visit = (id: string, isOutput: boolean): void => {
    const node = prompt[id];
    if (!node || order.has(id) || (isCached(id) && !isOutput)) return;
    if (!isCached(id)) for (const source of sourcesOf(node)) visit(source, false);
    order.add(id);
  };
  for (const id of outputs) visit(id, true);
  return [...order];
}
