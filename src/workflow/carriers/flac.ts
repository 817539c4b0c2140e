import { type Carried, integer, startsWith, utf8 } from './bytes.ts';

export function isFlac(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'fLaC', afterId3(bytes));
}

/** The comments of a FLAC file (RFC 9639, 8.6): `KEY=value`, keys in any case. */
export function readFlac(bytes: Uint8Array): Carried {
  const texts = new Map<string, string>();
  let at = afterId3(bytes) + 4;
  while (true) {
    const head = integer(bytes, at, 1);
    const length = integer(bytes, at + 1, 3);
    if (head === undefined || length === undefined) return { texts, isWhole: false };
    if (at + 4 + length > bytes.length) return { texts, isWhole: false };
    if ((head & 0x7f) === COMMENTS) readComments(bytes.subarray(at + 4, at + 4 + length), texts);
    if (head & 0x80) return { texts, isWhole: true };
    at += 4 + length;
  }
}

const COMMENTS = 4;

function readComments(block: Uint8Array, texts: Map<string, string>): void {
  let at = 4 + (integer(block, 0, 4, 'little') ?? 0);
  const count = integer(block, at, 4, 'little') ?? 0;
  at += 4;
  for (let nth = 0; nth < count; nth += 1) {
    const length = integer(block, at, 4, 'little');
    if (length === undefined || at + 4 + length > block.length) return;
    const comment = utf8(block.subarray(at + 4, at + 4 + length));
    const equals = comment.indexOf('=');
    if (equals > 0) texts.set(comment.slice(0, equals).toLowerCase(), comment.slice(equals + 1));
    at += 4 + length;
  }
}

/** Some programs put an ID3v2 tag before the stream. */
function afterId3(bytes: Uint8Array): number {
  if (!startsWith(bytes, 'ID3') || bytes.length < 10) return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((bytes[at] ?? 0) & 0x7f), 0);
  return 10 + size;
}
