import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { AutopodError, toFailure } from '../../errors.ts';
import type {
  FleetBatch,
  FleetCosts,
  FleetJob,
  JobList,
  PodBills,
  PoolRequest,
  PoolView,
  RetryRequest,
  SubmitRequest,
} from '../../fleet/wire-jobs.ts';
import type { Download } from '../../jobs/files/index.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import {
  type AskForFile,
  answerOf,
  downloadFile,
  type FileAnswer,
  unanswered,
} from '../../services/comfyui/index.ts';
import { USER_AGENT } from '../../services/runpod/user-agent.ts';
import type { Context } from '../context.ts';
import { inNoFleet } from '../text/log-in.ts';
import { isPlain, refusalFrom, request, requestText } from './client.ts';

/** How far a content has come to the server. */
export interface ContentStanding {
  bytes: number;
  isWhole: boolean;
}

/** Jobs and pools of a fleet, as a member asks its gateway. Throws as `FleetClient` does. */
export interface JobClient {
  pools(): Promise<PoolView[]>;
  pool(name: string): Promise<PoolView>;
  setPool(name: string, wish: PoolRequest): Promise<PoolView>;
  removePool(name: string): Promise<PoolView>;
  /** What the nodes of its ComfyUI take, as JSON; undefined where no pod like its has told yet. */
  objectInfo(pool: string): Promise<string | undefined>;
  content(sha256: string): Promise<ContentStanding>;
  sendPiece(sha256: string, offset: number, of: number, piece: Buffer): Promise<ContentStanding>;
  submit(submission: SubmitRequest): Promise<FleetBatch>;
  batch(batchId: string): Promise<FleetBatch>;
  /** Jobs of a batch from a position on, as many as it tells at once. */
  ofBatch(batchId: string, from: number): Promise<FleetJob[]>;
  jobs(isAll: boolean): Promise<JobList>;
  /** By the id of a job or a batch, the beginning of one, or a name; of a batch there is no single job. */
  job(named: string): Promise<{ batch: BatchFacts; job: FleetJob | null }>;
  retry(named: string, request: RetryRequest): Promise<FleetBatch>;
  cancel(named: string): Promise<{ batchId: string; jobIds: string[] }>;
  costs(since: number): Promise<FleetCosts>;
  bills(since: number): Promise<PodBills>;
  /** Brings a file that a job has made. */
  download: Download;
}

/** Milliseconds without a byte after which a download has stopped. */
const SILENCE_MS = 35_000;

export function jobClient({ fleet, signal }: Context): JobClient {
  if (!fleet) throw new AutopodError('usage', inNoFleet('Pools are a fleet’s'));
  const { url, token } = fleet;
  const options = { token, signal, isRepeatable: true };
  const ask = <T>(path: string, json?: object) => request<T>(url, path, { ...options, json });
  const id = encodeURIComponent;
  return {
    pools: async () => (await ask<{ pools: PoolView[] }>('v1/pools')).pools,
    pool: (name) => ask(`v1/pools/${id(name)}`),
    setPool: (name, wish) => ask(`v1/pools/${id(name)}`, wish),
    removePool: (name) => ask(`v1/pools/${id(name)}/remove`, {}),
    objectInfo: async (pool) => {
      const text = await requestText(url, `v1/pools/${id(pool)}/object_info`, options);
      return text === 'null' ? undefined : text;
    },
    content: (sha256) => ask(`v1/contents/${sha256}`),
    sendPiece: (sha256, offset, of, bytes) =>
      request(url, `v1/contents/${sha256}?offset=${offset}&of=${of}`, { ...options, bytes }),
    submit: (submission) => ask('v1/batches', submission),
    batch: (batchId) => ask(`v1/batches/${id(batchId)}`),
    ofBatch: async (batchId, from) =>
      (await ask<{ jobs: FleetJob[] }>(`v1/batches/${id(batchId)}/jobs?from=${from}`)).jobs,
    jobs: (isAll) => ask(`v1/jobs${isAll ? '?all=1' : ''}`),
    job: (named) => ask(isPlain(named) ? `v1/jobs/${named}` : `v1/jobs?named=${id(named)}`),
    retry: (named, request) => ask(`v1/jobs/${id(named)}/retry`, request),
    cancel: (named) => ask(`v1/jobs/${id(named)}/cancel`, {}),
    costs: (since) => ask(`v1/costs?since=${since}`),
    bills: (since) => ask(`v1/bills?since=${since}`),
    download: async (output, toPath, ...how) => {
      const file = { path: output.path ?? '', filename: output.filename };
      return downloadFile(askGateway(url, token), file, toPath, ...how).catch((error: unknown) => {
        const { code, detail } = toFailure(error);
        if (code !== 'comfyUnanswered' && code !== 'comfyAnswerUnexpected') throw error;
        throw new AutopodError('fleetUnreachable', {
          url,
          detail: String(detail.detail ?? detail.status ?? ''),
        });
      });
    },
  };
}

/** What is told with a status alone: that a file is gone, and that there is no more of it. */
const OF_FILES = [404, 416];

function askGateway(url: string, token: string): AskForFile {
  return (question, signal) =>
    new Promise<FileAnswer>((resolve, reject) => {
      const { headers, path } = question;
      const asked = (url.startsWith('https:') ? getHttps : getHttp)(
        `${url}/${path}`,
        {
          signal,
          headers: { ...headers, 'user-agent': USER_AGENT, authorization: `Bearer ${token}` },
        },
        (answer) => {
          answer.on('error', () => undefined);
          const { statusCode: status = 0 } = answer;
          if (status < 400 || status >= 500 || OF_FILES.includes(status)) return resolve(answerOf(answer));
          text(answer).then((body) => reject(refusalFrom(url, status, body)), reject);
        },
      );
      asked.setTimeout(SILENCE_MS, () => asked.destroy(new Error(`nothing came for ${SILENCE_MS / 1000} s`)));
      asked.on('error', (error) => reject(signal.aborted ? signal.reason : unanswered(question, error)));
    });
}
