import { type Carried, integer, latin1, startsWith, utf8 } from './bytes.ts';

export function isMp4(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'ftyp', 4);
}

/** The tags of an MP4 or MOV: `moov/meta` or `moov/udta/meta`, with names in `keys` or in iTunes' own atoms. */
export function readMp4(bytes: Uint8Array): Carried {
  const texts = new Map<string, string>();
  let isWhole = true;
  const walk = (within: Uint8Array): void => {
    for (const box of boxes(within)) {
      if (box.isCut) isWhole = false;
      if (box.type === 'moov' || box.type === 'udta') walk(box.data);
      if (box.type === 'meta') readMeta(box.data, texts);
    }
  };
  walk(bytes);
  return { texts, isWhole };
}

interface Box {
  type: string;
  data: Uint8Array;
  isCut: boolean;
}

function* boxes(bytes: Uint8Array): Generator<Box> {
  let at = 0;
  while (at + 8 <= bytes.length) {
    let size = integer(bytes, at, 4) ?? 0;
    let head = 8;
    if (size === 1) {
      size = integer(bytes, at + 10, 6) ?? 0;
      head = 16;
    }
    if (size === 0) size = bytes.length - at;
    if (size < head) return;
    const data = bytes.subarray(at + head, at + size);
    yield { type: latin1(bytes.subarray(at + 4, at + 8)), data, isCut: at + size > bytes.length };
    at += size;
  }
}

function readMeta(data: Uint8Array, texts: Map<string, string>): void {
  // QuickTime's `meta` has no version field; ISO's has four bytes of it.
  const inside = startsWith(data, 'hdlr', 4) ? data : data.subarray(4);
  const all = [...boxes(inside)];
  const keys = readKeys(all.find((box) => box.type === 'keys')?.data);
  const list = all.find((box) => box.type === 'ilst')?.data;
  if (list === undefined) return;
  for (const item of boxes(list)) {
    const inner = [...boxes(item.data)];
    const value = inner.find((box) => box.type === 'data')?.data;
    if (value === undefined) continue;
    const number =
      integer(
        Uint8Array.from(item.type, (character) => character.charCodeAt(0)),
        0,
        4,
      ) ?? 0;
    const named = inner.find((box) => box.type === 'name')?.data.subarray(4);
    const key = keys[number - 1] ?? (named === undefined ? item.type : utf8(named));
    texts.set(key.toLowerCase(), utf8(value.subarray(8)));
  }
}

function readKeys(data: Uint8Array | undefined): string[] {
  if (data === undefined) return [];
  return [...boxes(data.subarray(8))].map((box) => utf8(box.data));
}
