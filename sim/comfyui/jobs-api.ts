import type { ComfyAnswer } from './answer.ts';
import type { Job } from './job.ts';
import type { HistoryEntry, JobQueue } from './jobs.ts';

const STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'];

type Shown = Record<string, unknown> & { id: string; status: string };

/** `GET /api/jobs` of the newer ComfyUI: filtered, sorted, in pages. */
export function listJobs(queue: JobQueue, query: URLSearchParams): ComfyAnswer {
  const wanted = (query.get('status') ?? '').split(',').filter(Boolean);
  const unknown = wanted.filter((status) => !STATUSES.includes(status));
  if (unknown.length > 0) {
    const error = `Invalid status value(s): ${unknown.join(', ')}. Valid values: ${STATUSES.join(', ')}`;
    return { status: 400, json: { error } };
  }
  const all = [
    ...queue.pending.map((job) => waiting(job, 'pending')),
    ...queue.running.map((job) => waiting(job, 'in_progress')),
    ...[...queue.history.values()].map(finished),
  ].filter(({ status }) => wanted.length === 0 || wanted.includes(status));
  const sign = query.get('sort_order') === 'asc' ? 1 : -1;
  const sorted = all.toSorted((a, b) => sign * (madeAt(a) - madeAt(b) || orderOf(a) - orderOf(b)));
  const offset = Number(query.get('offset') ?? 0);
  const limit = query.has('limit') ? Number(query.get('limit')) : null;
  const jobs = sorted.slice(offset, limit === null ? undefined : offset + limit);
  const hasMore = offset + jobs.length < sorted.length;
  return {
    status: 200,
    json: { jobs, pagination: { offset, limit, total: sorted.length, has_more: hasMore } },
  };
}

/** `GET /api/jobs/ID` of the newer ComfyUI. */
export function jobDetail(queue: JobQueue, id: string): ComfyAnswer {
  const pending = queue.pending.find((job) => job.id === id);
  if (pending) return { status: 200, json: waiting(pending, 'pending') };
  const running = queue.running.find((job) => job.id === id);
  if (running) return { status: 200, json: waiting(running, 'in_progress') };
  const entry = queue.history.get(id);
  if (!entry) return { status: 404, json: { error: 'Job not found' } };
  const [, , prompt, extraData] = entry.prompt;
  const { outputs, status } = entry;
  return {
    status: 200,
    json: {
      ...finished(entry),
      outputs,
      execution_status: status,
      workflow: { prompt, extra_data: extraData },
    },
  };
}

/** `POST /api/jobs/ID/cancel`: a pending job is taken out, a running one interrupted. */
export function cancelJob(queue: JobQueue, id: string): ComfyAnswer {
  const isRunning = queue.running.some((job) => job.id === id);
  if (isRunning) queue.interrupt(id);
  const cancelled = isRunning || (queue.pending.some((job) => job.id === id) && queue.delete([id]));
  return { status: 200, json: { cancelled } };
}

function waiting({ id, number, extraData }: Job, status: string): Shown {
  return {
    id,
    status,
    priority: number,
    create_time: extraData.create_time,
    outputs_count: 0,
    previewable_outputs_count: 0,
    ...workflowId(extraData),
  };
}

function finished({ prompt: [priority, id, , extraData], outputs, status }: HistoryEntry): Shown {
  const { messages } = status;
  const told = (type: string) => messages.find(([one]) => one === type)?.[1];
  const failure = told('execution_interrupted') ? 'cancelled' : 'failed';
  const files = filesOf(outputs);
  const [preview] = files;
  const error = told('execution_error');
  return {
    id,
    status: status.status_str === 'success' ? 'completed' : failure,
    priority,
    create_time: extraData.create_time,
    execution_start_time: told('execution_start')?.timestamp,
    execution_end_time: messages.at(-1)?.[1].timestamp,
    ...(error && { execution_error: error }),
    outputs_count: files.length,
    previewable_outputs_count: files.length,
    ...(preview && { preview_output: preview }),
    ...workflowId(extraData),
  };
}

function filesOf(outputs: Record<string, unknown>): Record<string, unknown>[] {
  return Object.entries(outputs).flatMap(([nodeId, output]) =>
    Object.entries(output as Record<string, unknown[]>).flatMap(([mediaType, items]) =>
      items
        .filter((item): item is object => typeof item === 'object' && item !== null)
        .map((item) => ({ ...item, nodeId, mediaType })),
    ),
  );
}

function workflowId(extraData: Record<string, unknown>): { workflow_id?: string } {
  const info = extraData.extra_pnginfo as { workflow?: { id?: string } } | undefined;
  return info?.workflow?.id === undefined ? {} : { workflow_id: info.workflow.id };
}

function madeAt({ create_time: time }: Shown): number {
  return Number(time ?? 0);
}

function orderOf({ priority }: Shown): number {
  return Number(priority);
}
