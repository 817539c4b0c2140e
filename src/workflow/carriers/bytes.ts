/** Reading binary formats: every function stays inside the bytes, and gives undefined past their end. */

export function startsWith(bytes: Uint8Array, magic: string, at = 0): boolean {
  if (bytes.length < at + magic.length) return false;
  return [...magic].every((character, nth) => bytes[at + nth] === character.charCodeAt(0));
}

export function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

export function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8').decode(bytes);
}

/** An unsigned integer of `size` bytes (1 to 6), or undefined when the bytes end before it does. */
export function integer(
  bytes: Uint8Array,
  at: number,
  size: number,
  order: 'big' | 'little' = 'big',
): number | undefined {
  if (at < 0 || at + size > bytes.length) return undefined;
  let value = 0;
  for (let nth = 0; nth < size; nth += 1) {
    const from = order === 'big' ? at + nth : at + size - 1 - nth;
    value = value * 256 + (bytes[from] ?? 0);
  }
  return value;
}

/** Up to the first zero byte from `at`, with the place after it; without one, up to the end. */
export function untilZero(bytes: Uint8Array, at: number): [Uint8Array, number] {
  const zero = bytes.indexOf(0, at);
  return zero < 0 ? [bytes.subarray(at), bytes.length] : [bytes.subarray(at, zero), zero + 1];
}

/** Texts by their key, and whether the file ended where its own lengths say it does. */
export interface Carried {
  texts: Map<string, string>;
  isWhole: boolean;
}
