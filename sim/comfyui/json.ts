import { parse, stringify } from 'lossless-json';

/** JSON as Python reads it: whole numbers beyond 2^53 keep their digits, as `bigint`. @throws SyntaxError */
export function readJson(text: string): unknown {
  return /\d{16}/.test(text) ? parse(text, undefined, { parseNumber }) : JSON.parse(text);
}

/** JSON of values that `readJson` gave. */
export function writeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return stringify(value) ?? 'null';
  }
}

function parseNumber(digits: string): number | bigint {
  const number = Number(digits);
  return /^-?\d+$/.test(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number;
}
