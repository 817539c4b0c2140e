import { parseLenient } from './lenient-json.ts';

/** Who answers where ComfyUI is expected; `what` says it in words, such as `a web page, “Sign in”`. */
export type Answerer = { kind: 'comfyui' } | { kind: 'nobody' } | { kind: 'other'; what: string };

export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

/** The rule by which everybody tells ComfyUI from something else, from an answer to `GET /system_stats`. */
export function answererOf({ status, headers, body }: Answer): Answerer {
  // A server in front of a ComfyUI that is not up yet says so with these.
  if (status >= 500 || status === 429) return { kind: 'nobody' };
  if (status === 200 && isSystemStats(body)) return { kind: 'comfyui' };
  return { kind: 'other', what: whatElse(status, headers, body) };
}

function whatElse(status: number, headers: Answer['headers'], body: string): string {
  if (status === 401) return 'something that asks for a login (HTTP 401)';
  if (status >= 300 && status < 400)
    return `something that redirects to ${String(headers.location ?? 'another address')} (HTTP ${status})`;
  if (status === 400 && /https/i.test(body)) return 'something that wants HTTPS (HTTP 400)';
  if (status !== 200) return `something that has no /system_stats (HTTP ${status})`;
  const title = /<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim();
  if (title) return `a web page, “${title.slice(0, 80)}”`;
  return /^\s*</.test(body) ? 'a web page' : 'something that is not ComfyUI (HTTP 200)';
}

function isSystemStats(body: string): boolean {
  try {
    const { system } = parseLenient(body) as { system?: unknown };
    return typeof system === 'object' && system !== null;
  } catch {
    return false;
  }
}
