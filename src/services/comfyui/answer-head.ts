import type { FileHeaders } from './answer.ts';

export interface AnswerHead {
  statusCode: number;
  headers: FileHeaders;
  /** Bytes of the body; undefined where it is told otherwise, or not at all. */
  length: number | undefined;
  /** Whether the connection may be asked again afterwards. */
  isPersistent: boolean;
}

const START = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;

/** Reads the head of an answer (RFC 9112), without its last empty line; undefined for what is none, or an odd one. */
export function readHead(text: string): AnswerHead | undefined {
  const [start = '', ...lines] = text.split('\r\n');
  const [, minor, status] = START.exec(start) ?? [];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) return undefined;
    const key = name.toLowerCase();
    // Nothing that is read here may be told twice.
    if (key in headers && UNIQUE.has(key)) return undefined;
    headers[key] = value.trimEnd();
  }
  const { 'content-length': length, 'transfer-encoding': coding, connection = '' } = headers;
  return {
    statusCode: Number(status),
    headers,
    length: coding === undefined && /^\d{1,15}$/.test(length ?? '') ? Number(length) : undefined,
    isPersistent: minor === '1' && !/\bclose\b/i.test(connection),
  };
}

const UNIQUE = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'transfer-encoding',
]);
