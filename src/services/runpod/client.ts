import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got, type Response } from 'got';
import pRetry from 'p-retry';
import type * as z from 'zod';
import { AutopodError } from '../../errors.ts';
import {
  type Bill,
  type BillingWindow,
  billingQuery,
  podBillShape,
  podBills,
  volumeBillShape,
  volumeBills,
} from './billing.ts';
import { answeredElsewhere } from './elsewhere.ts';
import { createFailure, isHostFull, readFailure } from './failures.ts';
import { type FollowedLine, followLog, type LogFollowing, type LogQuery } from './logs.ts';
import { allPages } from './pages.ts';
import type { CreatePodRequest } from './pod-request.ts';
import {
  type DataCenter,
  dataCenterListShape,
  type GpuType,
  gpuListShape,
  keysShape,
  type LogLine,
  type NetworkVolume,
  type Pod,
  podListShape,
  podShape,
  volumeListShape,
  volumeShape,
} from './shapes.ts';
import { USER_AGENT } from './user-agent.ts';
import { wayOut } from './way-out.ts';

export type { Bill, DataCenter, GpuType, LogLine, NetworkVolume, Pod };

export interface RunPodOptions {
  /** Base of the REST API with its version, such as `https://api.runpod.io/v2`. */
  apiUrl: string;
  apiKey: string;
  /** Milliseconds until a read is given up. */
  readTimeoutMs?: number;
  /** Milliseconds until a create counts as unanswered. */
  createTimeoutMs?: number;
  /** Told of each answer: `GET pods 200 in 31 ms`. */
  trace?: (line: string) => void;
  /** Told once of each pause, in milliseconds, that RunPod's limit of requests asks for. */
  onPause?: (pauseMs: number) => void;
}

export type PodActionName = 'start' | 'stop' | 'restart';

/** RunPod's REST API v2, as far as autopod needs it. Every failure is an AutopodError; an abort is an AbortError. */
export interface RunPod {
  /** All pods of the account, whatever the number of pages; newest first. */
  listPods(signal: AbortSignal): Promise<Pod[]>;
  /** Throws `podNotFound`. */
  getPod(podId: string, signal: AbortSignal): Promise<Pod>;
  /** Sent once. Throws `createUnanswered` whenever a pod may exist although no good answer came. */
  createPod(request: CreatePodRequest, signal: AbortSignal): Promise<Pod>;
  /** Throws `podActionRefused` when the pod's state does not allow it, `hostFull` when its host has no GPU for it. */
  act(podId: string, action: PodActionName, signal: AbortSignal): Promise<void>;
  /** Deletes the pod; one that is gone already is fine. */
  terminatePod(podId: string, signal: AbortSignal): Promise<void>;
  /** Throws `volumeMissing`. */
  getNetworkVolume(volumeId: string, signal: AbortSignal): Promise<NetworkVolume>;
  listNetworkVolumes(signal: AbortSignal): Promise<NetworkVolume[]>;
  registeredSshKeys(signal: AbortSignal): Promise<string[]>;
  /** GPU types with their stock for pods of `count` GPUs, on hosts that have at least this CUDA version. */
  gpuCatalog(
    query: { count: number; cloud: 'SECURE' | 'COMMUNITY'; minCudaVersion?: string | undefined },
    signal: AbortSignal,
  ): Promise<GpuType[]>;
  dataCenters(signal: AbortSignal): Promise<DataCenter[]>;
  /** One record for each pod and bucket, pods that are gone included. Not paged. */
  podBilling(window: BillingWindow, signal: AbortSignal): Promise<Bill[]>;
  /** Likewise of network volumes. */
  volumeBilling(window: BillingWindow, signal: AbortSignal): Promise<Bill[]>;
  /** Lines as they come, resumed after a broken stream, until the signal ends it. */
  podLogs(podId: string, query: LogQuery, following: LogFollowing): AsyncIterable<FollowedLine>;
}

const READ_RETRY = { retries: 2, minTimeout: 300, maxTimeout: 2_000, randomize: true };

export function createRunPod(options: RunPodOptions): RunPod {
  const client = clientFor(options);
  const quota = new Quota(options.onPause);

  async function read<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const readOnce = async () => {
      await quota.wait(signal);
      try {
        const response = await client.get<unknown>(path, { signal });
        quota.note(response);
        return parse(shape, answered(response).body);
      } catch (error) {
        signal.throwIfAborted();
        throw named(readFailure(error), `GET ${path.split('?')[0]}`);
      }
    };
    return pRetry(readOnce, { ...READ_RETRY, shouldRetry: ({ error }) => isPassing(error), signal });
  }

  /** Sends a request that changes something, once. */
  async function change(
    method: 'POST' | 'DELETE',
    path: string,
    json: object | undefined,
    signal: AbortSignal,
  ) {
    try {
      const response = await client<unknown>(path, { method, ...(json && { json }), signal });
      quota.note(response);
      answered(response);
    } catch (error) {
      signal.throwIfAborted();
      throw named(readFailure(error), `${method} ${path}`);
    }
  }

  return {
    async listPods(signal) {
      const pages = await allPages((query) => read(`pods${query}`, podListShape, signal));
      return [...new Map(pages.flatMap(({ pods }) => pods).map((pod) => [pod.id, pod])).values()];
    },

    getPod: (podId, signal) =>
      read(`pods/${encodeURIComponent(podId)}`, podShape, signal).catch(
        when(404, () => new AutopodError('podNotFound', { podId })),
      ),

    async createPod(request, signal) {
      try {
        const timeout = { ...connectTimeouts, request: options.createTimeoutMs ?? 60_000 };
        const response = await client.post<unknown>('pods', { json: request, signal, timeout });
        quota.note(response);
        // A page with a good status may hide the answer of a create that was done.
        if (response.statusCode >= 300) answered(response);
        return podShape.parse(response.body);
      } catch (error) {
        signal.throwIfAborted();
        throw named(createFailure(error), 'POST pods');
      }
    },

    act: (podId, action, signal) =>
      change('POST', `pods/${encodeURIComponent(podId)}/action`, { action }, signal)
        .catch(when(404, () => new AutopodError('podNotFound', { podId })))
        .catch(when(400, (error) => (isHostFull(error) ? new AutopodError('hostFull', { podId }) : error)))
        .catch(when(409, ({ detail }) => new AutopodError('podActionRefused', { ...detail, podId }))),

    terminatePod: (podId, signal) =>
      change('DELETE', `pods/${encodeURIComponent(podId)}`, undefined, signal)
        .catch(when(409, ({ detail }) => new AutopodError('podActionRefused', { ...detail, podId })))
        .catch((error: unknown) => {
          if (!isAnswer(error, 404)) throw error;
        }),

    getNetworkVolume: (volumeId, signal) =>
      read(`network-volumes/${encodeURIComponent(volumeId)}`, volumeShape, signal).catch(
        when(404, () => new AutopodError('volumeMissing', { volumeId })),
      ),

    listNetworkVolumes: async (signal) =>
      (await read('network-volumes', volumeListShape, signal)).networkVolumes,

    registeredSshKeys: async (signal) => (await read('account/ssh-keys', keysShape, signal)).keys,

    gpuCatalog: async ({ count, cloud, minCudaVersion }, signal) => {
      const query = new URLSearchParams({
        include: 'AVAILABILITY',
        product: 'POD',
        cloud,
        count: String(count),
        ...(minCudaVersion !== undefined && { minCudaVersion }),
      });
      return (await read(`catalog/gpus?${query}`, gpuListShape, signal)).gpus;
    },

    dataCenters: async (signal) =>
      (await read('catalog/datacenters', dataCenterListShape, signal)).dataCenters,

    podBilling: async (window, signal) =>
      podBills(await read(`billing/pods?${billingQuery(window)}`, podBillShape, signal)),

    volumeBilling: async (window, signal) =>
      volumeBills(await read(`billing/network-volumes?${billingQuery(window)}`, volumeBillShape, signal)),

    podLogs: (podId, query, following) => followLog(client, podId, query, following),
  };
}

const connectTimeouts = { lookup: 10_000, connect: 10_000, secureConnect: 10_000 };

function clientFor({ apiUrl, apiKey, readTimeoutMs = 20_000, trace }: RunPodOptions): Got {
  return got.extend({
    prefixUrl: apiUrl,
    agent: wayOut(apiUrl),
    headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json', 'user-agent': USER_AGENT },
    responseType: 'json',
    retry: { limit: 0 },
    timeout: { ...connectTimeouts, request: readTimeoutMs },
    ...(trace && { hooks: { afterResponse: [traced(trace)] } }),
    // A redirect would carry the key to another host.
    followRedirect: false,
  });
}

function traced(trace: (line: string) => void) {
  return (response: Response<unknown>) => {
    const { method, url, prefixUrl } = response.request.options;
    const path = String(url).slice(String(prefixUrl).length);
    trace(`${method} ${path} ${response.statusCode} in ${Math.round(response.timings.phases.total ?? 0)} ms`);
    return response;
  };
}

function parse<T>(shape: z.ZodType<T>, body: unknown): T {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AutopodError('apiAnswerUnexpected', { detail: `${issue?.path.join('.')}: ${issue?.message}` });
}

/** The response, if RunPod's API has made it. Throws `apiElsewhere`. */
function answered(response: Response<unknown>): Response<unknown> {
  const elsewhere = answeredElsewhere(response);
  if (elsewhere) throw elsewhere;
  return response;
}

/** A right that is missing is told with what it is needed for. */
function named(failure: AutopodError, operation: string): AutopodError {
  return failure.code === 'apiForbidden'
    ? new AutopodError(failure.code, { ...failure.detail, operation })
    : failure;
}

// Where RunPod says how long to wait, whoever asked decides whether to.
function isPassing(error: unknown): boolean {
  const isMeant = error instanceof AutopodError && ['apiUnavailable', 'apiUnreachable'].includes(error.code);
  return isMeant && error.detail.retryAfterSeconds === undefined;
}

function isAnswer(error: unknown, status: number): error is AutopodError {
  return (
    error instanceof AutopodError && error.code === 'apiRequestRefused' && error.detail.status === status
  );
}

/** Gives one HTTP status the meaning it has for this request. */
function when(status: number, meaning: (error: AutopodError) => AutopodError): (error: unknown) => never {
  return (error) => {
    throw isAnswer(error, status) ? meaning(error) : error;
  };
}

/** Keeps reads within RunPod's limit: with nothing left in this minute, the next one waits for the next. */
class Quota {
  readonly #tell: ((pauseMs: number) => void) | undefined;
  /** By performance.now(). */
  #emptyUntil = 0;
  #told = 0;

  constructor(tell: ((pauseMs: number) => void) | undefined) {
    this.#tell = tell;
  }

  note({ headers }: Response<unknown>): void {
    const minute = /"minute";r=(\d+);t=(\d+)/.exec(String(headers.ratelimit ?? ''));
    if (minute && Number(minute[1]) === 0) this.#emptyUntil = performance.now() + Number(minute[2]) * 1000;
  }

  async wait(signal: AbortSignal): Promise<void> {
    const pauseMs = Math.min(this.#emptyUntil - performance.now(), 60_000);
    if (pauseMs <= 0) return;
    // Several reads may wait for the same moment.
    if (this.#told !== this.#emptyUntil) this.#tell?.(pauseMs);
    this.#told = this.#emptyUntil;
    await sleep(pauseMs, undefined, { signal });
  }
}
