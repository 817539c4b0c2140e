import { type Carried, integer, startsWith, utf8 } from './bytes.ts';

export function isWebm(bytes: Uint8Array): boolean {
  return startsWith(bytes, '\x1a\x45\xdf\xa3');
}

/** The tags of a WebM or Matroska file: Segment, Tags, Tag, SimpleTag with TagName and TagString. */
export function readWebm(bytes: Uint8Array): Carried {
  const texts = new Map<string, string>();
  let isWhole = true;
  const walk = (within: Uint8Array): void => {
    let name: string | undefined;
    let value: string | undefined;
    for (const element of elements(within)) {
      if (element.isCut) isWhole = false;
      if (HOLDERS.has(element.id)) walk(element.data);
      if (element.id === TAG_NAME) name = utf8(element.data);
      if (element.id === TAG_STRING) value = utf8(element.data);
    }
    if (name !== undefined && value !== undefined) texts.set(name.toLowerCase(), value.replace(/\0+$/, ''));
  };
  walk(bytes);
  return { texts, isWhole };
}

const TAG_NAME = 0x45a3;
const TAG_STRING = 0x4487;
/** Segment, Tags, Tag, SimpleTag. */
const HOLDERS = new Set([0x18538067, 0x1254c367, 0x7373, 0x67c8]);

interface Element {
  id: number;
  data: Uint8Array;
  isCut: boolean;
}

function* elements(bytes: Uint8Array): Generator<Element> {
  let at = 0;
  while (at < bytes.length) {
    const idSize = widthOf(bytes[at], 4);
    const id = idSize === undefined ? undefined : integer(bytes, at, idSize);
    if (idSize === undefined || id === undefined) return;
    const sizeAt = at + idSize;
    const width = widthOf(bytes[sizeAt], 8);
    if (width === undefined) return;
    const size = vint(bytes, sizeAt, width);
    const from = sizeAt + width;
    // A stream that was written live has no sizes: everything that follows is inside.
    const to = size === undefined ? bytes.length : from + size;
    yield { id, data: bytes.subarray(from, to), isCut: to > bytes.length };
    at = to;
  }
}

function widthOf(first: number | undefined, most: number): number | undefined {
  if (first === undefined || first === 0) return undefined;
  const width = Math.clz32(first) - 23;
  return width > most ? undefined : width;
}

function vint(bytes: Uint8Array, at: number, width: number): number | undefined {
  const first = (bytes[at] ?? 0) & (0xff >> width);
  let value = first;
  let isUnknown = first === 0xff >> width;
  for (let nth = 1; nth < width; nth += 1) {
    const byte = bytes[at + nth] ?? 0;
    if (byte !== 0xff) isUnknown = false;
    value = value * 256 + byte;
  }
  return isUnknown ? undefined : value;
}
