import { parse, stringify } from 'lossless-json';

/** JSON whose integers keep every digit: beyond ±(2^53 − 1) they are bigints, as seeds of 64 bits are. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/**
 * Reads JSON as ComfyUI writes it: Python's NaN and Infinity, which are not JSON, become null. Mostly by the engine's own
 * parser, which is many times as fast: the answer of /object_info has megabytes.
 */
export function parseJson(text: string): JsonValue {
  return parseFast(text) ?? parseSlowly(text);
}

/** Undefined where it cannot tell, or where it is no JSON: the slow way says what is wrong, the same in every Node. */
function parseFast(text: string): JsonValue | undefined {
  if (text.includes(MARK) || ESCAPED_MARK.test(text)) return undefined;
  let json = '';
  let taken = 0;
  let hasLong = false;
  for (const { index, token } of specials(text)) {
    const isNumber = /^-?\d/.test(token);
    if (isNumber && typeof parseNumber(token) === 'number') continue;
    hasLong ||= isNumber;
    json += text.slice(taken, index) + (isNumber ? `"${MARK}${token}"` : 'null');
    taken = index + token.length;
  }
  try {
    const value: JsonValue = JSON.parse(json + text.slice(taken));
    return hasLong ? withLong(value) : value;
  } catch {
    return undefined;
  }
}

function parseSlowly(text: string): JsonValue {
  const json = text.replace(STRING_OR_NON_FINITE, (token) => (token.startsWith('"') ? token : 'null'));
  return parse(json, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) as JsonValue;
}

/** What the engine's parser does not read as it is meant, outside of strings; from one to the next by strides. */
function* specials(text: string): Generator<{ index: number; token: string }> {
  let at = 0;
  for (const { 0: token, index } of text.matchAll(SPECIAL)) {
    let open = text.indexOf('"', at);
    while (open >= 0 && open < index) {
      const close = endOfString(text, open);
      if (close < 0 || close > index) break;
      at = close + 1;
      open = text.indexOf('"', at);
    }
    if (open < 0 || open > index) yield { index, token };
    if (open < 0) at = index;
  }
}

function endOfString(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let slashes = 0;
    while (text.charAt(close - 1 - slashes) === '\\') slashes += 1;
    if (slashes % 2 === 0) return close;
  }
  return -1;
}

/** Long integers, which stand as marked strings, as what they are. */
function withLong(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  for (const key in value) {
    const one = (value as JsonObject)[key] ?? null;
    const read = withLong(one);
    if (read !== one) (value as JsonObject)[key] = read;
  }
  return value;
}

/** A letter that Unicode gives to nobody, as it is and escaped. */
const MARK = '\u{f0000}';
const ESCAPED_MARK = /\\u[dD][bB]80/;

export function writeJson(value: JsonValue, indent?: number): string {
  return stringify(value, undefined, indent) ?? 'null';
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function asArray(value: unknown): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An id as the API format writes it: the editor has numbers and strings. */
export function asId(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
    ? String(value)
    : undefined;
}

export function asIndex(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

const STRING_OR_NON_FINITE = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs;
/** What is no JSON, and integers that may have more digits than a number keeps. */
const SPECIAL = /-?\b(?:NaN|Infinity)\b|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g;

function parseNumber(text: string): number | bigint {
  const number = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}
