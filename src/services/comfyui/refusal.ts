import type { Failure } from '../../errors.ts';
import { type NodeErrors, refusedShape } from './shapes.ts';
import { titleIn } from './titles.ts';

/** What ComfyUI finds wrong with a prompt, from the body of its 400. */
export function refusal(answer: unknown, prompt: unknown): Failure {
  const refused = refusedShape.safeParse(answer).data;
  if (!refused) return { code: 'promptRefused', detail: { message: 'it does not say why' } };
  const { error, node_errors } = refused;
  const [first, ...others] = findings(node_errors, prompt);
  if (first) {
    return {
      code: 'promptRefused',
      detail: { ...first, ...(others.length > 0 ? { others: others.map(inWords) } : {}) },
    };
  }
  if (typeof error === 'string') return { code: 'promptRefused', detail: { message: error } };
  const nodeId = error.extra_info?.node_id;
  const message = joined(error);
  if (typeof nodeId !== 'string') return { code: 'promptRefused', detail: { message } };
  return { code: 'promptRefused', detail: { nodeId, title: titleIn(prompt, nodeId), message } };
}

/** One line for each thing that is wrong. */
export function findingsInWords(errors: NodeErrors, prompt: unknown): string[] {
  return findings(errors, prompt).map(inWords);
}

interface Finding {
  nodeId: string;
  title: string | undefined;
  message: string;
}

function findings(errors: NodeErrors, prompt: unknown): Finding[] {
  return Object.entries(errors).flatMap(([nodeId, { errors: all, class_type }]) =>
    all.map((error) => ({
      nodeId,
      title: titleIn(prompt, nodeId) ?? class_type ?? undefined,
      message: joined(error),
    })),
  );
}

/** A list of choices is as long as the models of a pod are many. */
const MAX_LETTERS = 400;

function joined({ message, details }: { message: string; details: string }): string {
  const all = details && details !== message ? `${message}: ${details}` : message;
  return all.length > MAX_LETTERS ? `${all.slice(0, MAX_LETTERS)}…` : all;
}

function inWords({ nodeId, title, message }: Finding): string {
  return `node ${nodeId}${title ? ` “${title}”` : ''}: ${message}`;
}
