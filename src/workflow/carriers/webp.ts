import { type Carried, integer, latin1, startsWith, utf8 } from './bytes.ts';

export function isWebp(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8);
}

/** ComfyUI writes `workflow:{…}` and `prompt:{…}` into text fields of the EXIF chunk, whichever those are. */
export function readWebp(bytes: Uint8Array): Carried {
  const texts = new Map<string, string>();
  let at = 12;
  while (at + 8 <= bytes.length) {
    const length = integer(bytes, at + 4, 4, 'little') ?? 0;
    if (at + 8 + length > bytes.length) return { texts, isWhole: false };
    if (startsWith(bytes, 'EXIF', at)) readExif(bytes.subarray(at + 8, at + 8 + length), texts);
    at += 8 + length + (length % 2);
  }
  const whole = (integer(bytes, 4, 4, 'little') ?? 0) + 8;
  return { texts, isWhole: bytes.length >= whole - 1 };
}

/** The first directory of an EXIF block: a TIFF header, then entries of 12 bytes. */
function readExif(chunk: Uint8Array, texts: Map<string, string>): void {
  const exif = startsWith(chunk, 'Exif\0\0') ? chunk.subarray(6) : chunk;
  const order = startsWith(exif, 'II') ? 'little' : 'big';
  const directory = integer(exif, 4, 4, order);
  if (directory === undefined) return;
  const count = integer(exif, directory, 2, order) ?? 0;
  for (let nth = 0; nth < count; nth += 1) {
    const entry = directory + 2 + nth * 12;
    const type = integer(exif, entry + 2, 2, order);
    const length = integer(exif, entry + 4, 4, order);
    if (type !== ASCII || length === undefined) continue;
    const from = length <= 4 ? entry + 8 : integer(exif, entry + 8, 4, order);
    if (from === undefined) continue;
    const [, key, value] = /^(\w+):(.*)$/s.exec(text(exif.subarray(from, from + length))) ?? [];
    if (key !== undefined && value !== undefined) texts.set(key.toLowerCase(), value);
  }
}

const ASCII = 2;

function text(bytes: Uint8Array): string {
  const decoded = utf8(bytes).replace(/\0+$/, '');
  return decoded.includes('�') ? latin1(bytes).replace(/\0+$/, '') : decoded;
}
