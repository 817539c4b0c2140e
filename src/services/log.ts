import { appendFileSync, renameSync, statSync } from 'node:fs';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT = 5;

/** What must never be in a log: keys, bearer tokens, what a pod proves itself with. */
const SECRETS = [
  /\brpa_[A-Za-z0-9]+/g,
  /(bearer\s+)[^\s"']+/gi,
  /("?(?:api_?key|autopod_pod_secret|secret_?access_?key|session_?token)"?\s*[:=]\s*"?)[^\s",]+/gi,
];

/** Text without secrets. */
export function redact(text: string): string {
  return SECRETS.reduce(
    (clean, secret) =>
      clean.replaceAll(secret, (_, head) => `${typeof head === 'string' ? head : ''}[redacted]`),
    text,
  );
}

/**
 * Appends one line with its time to a log, 0600; past 10 MiB the log moves aside, and five are kept. False when it could
 * not be written: a full disk or a removed home must not end what is logged about.
 */
export function logLine(path: string, line: string, at = new Date()): boolean {
  try {
    if (sizeOf(path) > MAX_BYTES) rotate(path);
    appendFileSync(path, `${at.toISOString()} ${redact(line)}\n`, { mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

function rotate(path: string): void {
  for (let number = KEPT - 1; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`;
    if (sizeOf(from) > 0) renameSync(from, `${path}.${number + 1}`);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
