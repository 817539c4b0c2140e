import { inflateSync } from 'node:zlib';
import { type Carried, integer, latin1, startsWith, untilZero, utf8 } from './bytes.ts';

export function isPng(bytes: Uint8Array): boolean {
  return startsWith(bytes, '\x89PNG\r\n\x1a\n');
}

/** The text chunks of a PNG (W3C PNG, 11.3.3): tEXt, zTXt and iTXt. */
export function readPng(bytes: Uint8Array): Carried {
  const texts = new Map<string, string>();
  let at = 8;
  while (true) {
    const length = integer(bytes, at, 4);
    if (length === undefined || at + 12 + length > bytes.length) return { texts, isWhole: false };
    const type = latin1(bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IEND') return { texts, isWhole: true };
    const entry = readChunk(type, data);
    if (entry !== undefined) texts.set(...entry);
    at += 12 + length;
  }
}

function readChunk(type: string, data: Uint8Array): [string, string] | undefined {
  const [keyBytes, after] = untilZero(data, 0);
  const key = latin1(keyBytes);
  if (type === 'tEXt') return [key, anyText(data.subarray(after))];
  if (type === 'zTXt') return inflated(key, data.subarray(after + 1), anyText);
  if (type !== 'iTXt') return undefined;
  const isCompressed = data[after] === 1;
  const [, afterLanguage] = untilZero(data, after + 2);
  const [, afterKeyword] = untilZero(data, afterLanguage);
  const rest = data.subarray(afterKeyword);
  return isCompressed ? inflated(key, rest, utf8) : [key, utf8(rest)];
}

/** tEXt is Latin-1, but many programs write UTF-8 into it; JSON in Latin-1 is seldom valid UTF-8 by chance. */
function anyText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

function inflated(
  key: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => string,
): [string, string] | undefined {
  try {
    return [key, decode(inflateSync(bytes, { maxOutputLength: MAX_TEXT_BYTES }))];
  } catch {
    return undefined;
  }
}

const MAX_TEXT_BYTES = 64 * 1024 * 1024;
