import type { ComfyAnswer } from './answer.ts';
import { TROUBLE } from './answer.ts';
import type { Prompt } from './job.ts';
import type { JobQueue } from './jobs.ts';
import { readJson } from './json.ts';
import type { NodeClasses } from './nodes/classes.ts';
import type { ComfyUiVersion } from './recorded.ts';
import { validatePrompt } from './validate.ts';

const CANONICAL_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Receiver {
  version: ComfyUiVersion;
  queue: JobQueue;
  classes: NodeClasses;
  hasInputFile: (name: string) => boolean;
}

/** `POST /prompt`: queues what is valid, also under an id that is in use, or says what is wrong. */
export function submitPrompt(receiver: Receiver, body: Buffer): ComfyAnswer {
  const { queue, version } = receiver;
  const request = parse(body);
  if (request === undefined) return TROUBLE;
  const { prompt, prompt_id: id, client_id: clientId } = request;
  const number = numberOf(request, queue);
  if (Number.isNaN(number)) return TROUBLE;
  if (prompt === undefined) return refuse('no_prompt', 'No prompt provided', 'No prompt provided');
  if (version === '0.33.0' && id !== undefined && !CANONICAL_UUID.test(String(id))) {
    return refuse(
      'invalid_prompt_id',
      'prompt_id must be a valid UUID',
      'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one',
    );
  }
  if (!isPrompt(prompt, version)) return TROUBLE;
  const targets = Array.isArray(request.partial_execution_targets)
    ? request.partial_execution_targets.map(String)
    : null;
  const { error, outputs, nodeErrors } = validatePrompt(prompt, receiver, targets);
  if (error) return { status: 400, json: { error, node_errors: nodeErrors } };
  const job = queue.submit(prompt, {
    number,
    outputs,
    id: id === undefined ? undefined : String(id),
    clientId: clientId === undefined ? undefined : String(clientId),
    extraData: {
      ...(request.extra_data as Record<string, unknown> | undefined),
      ...(clientId !== undefined && { client_id: clientId }),
      ...(version === '0.33.0' && { create_time: Date.now() }),
    },
  });
  return { status: 200, json: { prompt_id: job.id, number: job.number, node_errors: nodeErrors } };
}

function numberOf({ number, front }: Record<string, unknown>, queue: JobQueue): number {
  if (number !== undefined) return Number(number);
  const next = queue.takeNumber();
  return front ? -next : next;
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value = readJson(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The newer version stumbles over nodes that are no objects, a workflow of the editor among them. */
function isPrompt(value: unknown, version: ComfyUiVersion): value is Prompt {
  if (typeof value !== 'object' || value === null) return false;
  if (version === '0.3.64') return true;
  return Object.values(value).every(
    (node) => typeof node === 'object' && node !== null && !Array.isArray(node),
  );
}

function refuse(type: string, message: string, details: string): ComfyAnswer {
  return { status: 400, json: { error: { type, message, details, extra_info: {} }, node_errors: {} } };
}
