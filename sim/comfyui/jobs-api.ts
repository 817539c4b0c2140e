import type { ComfyAnswer } from './answer.ts';
import type { Job, JobQueue } from './jobs.ts';

/** `GET /api/jobs` of the newer ComfyUI. */
export function listJobs(queue: JobQueue): ComfyAnswer {
  const jobs = [
    ...queue.pending.map((job) => summary(job, 'pending')),
    ...queue.running.map((job) => summary(job, 'in_progress')),
    ...[...queue.history.keys()].map((id) => finished(queue, id)),
  ];
  const pagination = { offset: 0, limit: null, total: jobs.length, has_more: false };
  return { status: 200, json: { jobs, pagination } };
}

/** `GET /api/jobs/ID` of the newer ComfyUI. */
export function jobDetail(queue: JobQueue, id: string): ComfyAnswer {
  const pending = queue.pending.find((job) => job.id === id);
  if (pending) return { status: 200, json: summary(pending, 'pending') };
  const running = queue.running.find((job) => job.id === id);
  if (running) return { status: 200, json: summary(running, 'in_progress') };
  const done = finished(queue, id);
  return done ? { status: 200, json: done } : { status: 404, json: { error: 'Job not found' } };
}

function summary({ id, number, extraData }: Job, status: string): Record<string, unknown> {
  return {
    id,
    status,
    priority: number,
    create_time: extraData.create_time,
    outputs_count: 0,
    previewable_outputs_count: 0,
  };
}

interface HistoryEntry {
  prompt: [
    number: number,
    id: string,
    prompt: unknown,
    extraData: { create_time: number },
    outputs: string[],
  ];
  outputs: Record<string, unknown>;
  status: { status_str: string; messages: [string, Record<string, unknown>][] };
}

function finished(queue: JobQueue, id: string): Record<string, unknown> | undefined {
  const entry = queue.history.get(id) as unknown as HistoryEntry | undefined;
  if (!entry) return undefined;
  const isInterrupted = entry.status.messages.some(([type]) => type === 'execution_interrupted');
  const failure = isInterrupted ? 'cancelled' : 'failed';
  const count = Object.keys(entry.outputs).length;
  return {
    id,
    status: entry.status.status_str === 'success' ? 'completed' : failure,
    priority: entry.prompt[0],
    create_time: entry.prompt[3].create_time,
    outputs_count: count,
    previewable_outputs_count: count,
    outputs: entry.outputs,
    execution_status: entry.status,
  };
}
