import type { ComfyAnswer } from './answer.ts';
import { TROUBLE } from './answer.ts';
import { type JobQueue, outputNodes, type Prompt } from './jobs.ts';
import type { ComfyUiVersion } from './recorded.ts';

const CANONICAL_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `POST /prompt`, with the refusals of the recorded server. */
export function submitPrompt(queue: JobQueue, version: ComfyUiVersion, body: Buffer): ComfyAnswer {
  const request = parse(body);
  if (request === undefined) return TROUBLE;
  const { prompt, prompt_id: id, client_id: clientId, extra_data: extraData, number } = request;
  if (number !== undefined && Number.isNaN(Number(number))) return TROUBLE;
  if (prompt === undefined) return refuse('no_prompt', 'No prompt provided', 'No prompt provided');
  if (version === '0.33.0' && id !== undefined && !CANONICAL_UUID.test(String(id))) {
    return refuse(
      'invalid_prompt_id',
      'prompt_id must be a valid UUID',
      'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one',
    );
  }
  if (typeof prompt !== 'object' || prompt === null) return TROUBLE;
  for (const [nodeId, node] of Object.entries(prompt as Prompt)) {
    if (version === '0.3.64' && typeof node?.class_type !== 'string') return withoutClass(nodeId);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return TROUBLE;
    if (typeof node.class_type !== 'string') return missingNodeType(nodeId);
  }
  if (outputNodes(prompt as Prompt).length === 0) return refuse('prompt_no_outputs', 'Prompt has no outputs');
  const job = queue.submit(prompt as Prompt, {
    id: id === undefined ? undefined : String(id),
    clientId: clientId === undefined ? undefined : String(clientId),
    extraData: extraData as Record<string, unknown> | undefined,
  });
  return { status: 200, json: { prompt_id: job.id, number: job.number, node_errors: {} } };
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function refuse(type: string, message: string, details = '', extraInfo = {}): ComfyAnswer {
  return { status: 400, json: { error: { type, message, details, extra_info: extraInfo }, node_errors: {} } };
}

function withoutClass(nodeId: string): ComfyAnswer {
  const message = 'Cannot execute because a node is missing the class_type property.';
  return refuse('invalid_prompt', message, `Node ID '#${nodeId}'`);
}

function missingNodeType(nodeId: string): ComfyAnswer {
  return refuse(
    'missing_node_type',
    `Node 'ID #${nodeId}' has no class_type. The workflow may be corrupted or a custom node is missing.`,
    `Node ID '#${nodeId}'`,
    { node_id: nodeId, class_type: null, node_title: null },
  );
}
