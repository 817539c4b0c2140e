import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Who may ask, and where that is looked up. */
export interface Account {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
}

/** Milliseconds that the clock of whoever asks may be off. */
const SKEW_MS = 15 * 60_000;
const FIELD = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Checks a request signed by AWS Signature Version 4 in its header, its body included. @throws Refusal */
export function requireSigned(request: IncomingMessage, body: Buffer, account: Account, nowMs: number): void {
  const [, credential = '', signed = '', signature = ''] =
    FIELD.exec(String(request.headers.authorization ?? '')) ?? [];
  if (!signature) throw new Refusal(403, 'AccessDenied', 'The request is not signed.');
  const [accessKeyId, date = '', region = '', service, end] = credential.split('/');
  if (accessKeyId !== account.accessKeyId) {
    throw new Refusal(403, 'InvalidAccessKeyId', 'The access key is not known here.');
  }
  if (region !== account.region || service !== 's3' || end !== 'aws4_request') {
    const message = `The region '${region}' is wrong; expecting '${account.region}'`;
    throw new Refusal(400, 'AuthorizationHeaderMalformed', message);
  }
  const at = String(request.headers['x-amz-date'] ?? '');
  if (Math.abs(timeOf(at) - nowMs) > SKEW_MS || !at.startsWith(date)) {
    throw new Refusal(
      403,
      'RequestTimeTooSkewed',
      'The time of the request is too far from that of the server.',
    );
  }
  const names = signed.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-content-sha256'])
    if (!names.includes(name)) throw new Refusal(403, 'AccessDenied', `${name} is not signed.`);
  const payload = String(request.headers['x-amz-content-sha256']);
  const canonical = [
    request.method,
    pathOf(request),
    queryOf(request),
    ...names.map((name) => `${name}:${headerOf(request, name)}`),
    '',
    signed,
    payload,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', at, `${date}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce(
    hmac,
    Buffer.from(`AWS4${account.secretAccessKey}`),
  );
  const expected = hmac(key, toSign);
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw new Refusal(403, 'SignatureDoesNotMatch', 'The signature does not match the secret key.');
  }
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) {
    throw new Refusal(400, 'XAmzContentSHA256Mismatch', 'The body is not what was signed.');
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?')[0] ?? '';
}

function queryOf({ url = '' }: IncomingMessage): string {
  const pairs = (url.split('?')[1] ?? '').split('&').filter(Boolean);
  return pairs
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .toSorted()
    .join('&');
}

function headerOf({ headersDistinct }: IncomingMessage, name: string): string {
  return (headersDistinct[name] ?? []).map((value) => value.trim().replace(/ +/g, ' ')).join(',');
}

/** `20261128T043000Z`. */
function timeOf(text: string): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
