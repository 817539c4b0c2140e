import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Sent with every answer: nothing is kept, framed, or loaded from anywhere else, and no script is inline. */
export const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/**
 * The status to refuse a request with, or undefined when it may be answered: it asks a loopback name (no DNS
 * rebinding), and no page of another origin has it made.
 */
export function refusalOf({ method, headers }: IncomingMessage, port: number): number | undefined {
  // Browsers leave out the port that http has by itself.
  const end = port === 80 ? '' : `:${port}`;
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}${end}`);
  const host = headers.host ?? '';
  if (!hosts.includes(host)) return 403;
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return 403;
  if (isFromElsewhere(headers) && !isNavigation(headers)) return 403;
  if (method !== 'GET' && method !== 'HEAD') return 405;
  return undefined;
}

function isFromElsewhere({ 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

// A link to the page, as a terminal in a browser has it; who follows it has the key.
function isNavigation(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/** Compares without telling by its duration how much was right. */
export function isKey(given: string, key: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
