import got, { HTTPError, RequestError } from 'got';
import { AutopodError, type FailureDetail, isFailureCode } from '../../errors.ts';
import type {
  Askable,
  FleetPod,
  LaunchView,
  LoginAnswer,
  LoginRequest,
  Me,
  PageCode,
  PlanRequest,
  UpAnswer,
  UpRequest,
} from '../../fleet/wire.ts';
import { isUntrusted } from '../../services/runpod/failures.ts';
import { USER_AGENT } from '../../services/runpod/user-agent.ts';
import type { JournalEntry } from '../../store/journal.ts';

/** The gateway of a fleet, as a member asks it. Throws `fleetUnreachable`, `notAdmitted`, and what the fleet says. */
export interface FleetClient {
  me(): Promise<Me>;
  list(): Promise<FleetPod[]>;
  info(named: string): Promise<FleetPod>;
  launch(launchId: string): Promise<LaunchView>;
  up(request: UpRequest): Promise<UpAnswer>;
  ask(named: string, verb: Askable, timeoutMs: number): Promise<LaunchView>;
  plan(named: string, request: PlanRequest): Promise<FleetPod>;
  /** For a link to the page. */
  pageCode(): Promise<PageCode>;
  history(named: string | undefined, tail: number | undefined): Promise<JournalEntry[]>;
}

/** Milliseconds for one question. */
const ANSWER_MS = 30_000;

export function fleetClient(url: string, token: string, signal: AbortSignal): FleetClient {
  const ask = <T>(path: string, json?: object) =>
    request<T>(url, path, { json, token, signal, isRepeatable: true });
  const list = async () => (await ask<{ pods: FleetPod[] }>('v1/pods')).pods;
  const idOf = async (named: string): Promise<string> => {
    if (isPlain(named)) return named;
    const ids = (await list()).filter(({ name }) => name === named).map(({ launchId }) => launchId);
    if (ids.length > 1) throw new AutopodError('podNotChosen', { pods: ids });
    if (!ids[0]) throw new AutopodError('podNotFound', { podId: named });
    return ids[0];
  };
  return {
    me: () => ask('v1/me'),
    list,
    info: async (named) => ask(`v1/pods/${await idOf(named)}`),
    launch: (launchId) => ask(`v1/launches/${launchId}`),
    up: (body) => ask('v1/up', body),
    ask: async (named, verb, timeoutMs) => ask(`v1/pods/${await idOf(named)}/${verb}`, { timeoutMs }),
    // Asked twice, `extend` would give twice the time.
    plan: async (named, body) =>
      request(url, `v1/pods/${await idOf(named)}/plan`, { json: body, token, signal }),
    pageCode: () => ask('v1/page/code', {}),
    history: async (named, tail) => {
      const query = new URLSearchParams({
        ...(named !== undefined && { pod: named }),
        ...(tail !== undefined && { tail: String(tail) }),
      });
      return (await ask<{ entries: JournalEntry[] }>(`v1/history?${query}`)).entries;
    },
  };
}

/** Whether it can stand in a path of the gateway, which takes nothing that needs an escape. */
export function isPlain(named: string): boolean {
  return /^[\w:.-]+$/.test(named) && !/^\.+$/.test(named);
}

export function logIn(url: string, body: LoginRequest, signal: AbortSignal): Promise<LoginAnswer> {
  return request<LoginAnswer>(url, 'v1/login', { json: body, signal });
}

interface Options {
  json?: object | undefined;
  /** A body that is no JSON. */
  bytes?: Buffer;
  token?: string;
  signal: AbortSignal;
  /** Asking twice is as asking once. */
  isRepeatable?: boolean;
}

export async function request<T>(url: string, path: string, options: Options): Promise<T> {
  const text = await requestText(url, path, options);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new AutopodError('fleetUnreachable', { url, detail: 'What answers there is no fleet.' });
  }
}

/** The answer as it came. */
export async function requestText(
  url: string,
  path: string,
  { json, bytes, token, signal, isRepeatable }: Options,
): Promise<string> {
  try {
    return await got(`${url}/${path}`, {
      method: json || bytes ? 'POST' : 'GET',
      ...(json && { json }),
      ...(bytes && { body: bytes }),
      headers: {
        'user-agent': USER_AGENT,
        ...(bytes && { 'content-type': 'application/octet-stream' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      // A token goes to the gateway it was made for, and to nobody it points at.
      followRedirect: false,
      retry: isRepeatable ? { limit: 2, methods: ['GET', 'POST'] } : { limit: 0 },
      timeout: { request: ANSWER_MS },
      signal,
    }).text();
  } catch (error) {
    signal.throwIfAborted();
    throw failureFrom(url, error);
  }
}

/** What a request to a gateway failed with, as the fleet tells it. */
export function failureFrom(url: string, error: unknown): AutopodError {
  if (error instanceof HTTPError) return refusalFrom(url, error.response.statusCode, error.response.body);
  if (error instanceof RequestError && isUntrusted(error))
    return new AutopodError('apiUntrusted', { host: new URL(url).host, detail: error.message });
  const detail = error instanceof RequestError ? error.message : String(error);
  return new AutopodError('fleetUnreachable', { url, detail });
}

/** What a gateway says of a request that it does not carry out. */
export function refusalFrom(url: string, status: number, body: unknown): AutopodError {
  const { code, detail } = told(body);
  if (isFailureCode(code))
    return new AutopodError(code, code === 'notAdmitted' ? { ...detail, url } : detail);
  return new AutopodError('fleetUnreachable', { url, detail: `It answers ${status}.` });
}

function told(body: unknown): { code?: unknown; detail: FailureDetail } {
  try {
    const { error } = JSON.parse(String(body)) as { error?: { code?: unknown; detail?: FailureDetail } };
    return { code: error?.code, detail: error?.detail ?? {} };
  } catch {
    return { detail: {} };
  }
}
