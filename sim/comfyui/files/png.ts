import { crc32, deflateSync } from 'node:zlib';
import { bytes, type Content, joined, noise } from './content.ts';

/** What a picture shows: one colour, or squares of colours that the seed tells. */
export type Paint = { color: number } | { seed: string };

export interface Picture {
  width: number;
  height: number;
  paint: Paint;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const SQUARE_PIXELS = 16;
const RGB = 2;

/** A PNG with text chunks, as ComfyUI saves it. */
export function encodePng(picture: Picture, texts: Readonly<Record<string, string>>): Buffer {
  const chunks = Object.entries(texts).map(([key, text]) => chunk('tEXt', textData(key, text)));
  const data = deflateSync(pixels(picture), { level: 1 });
  return Buffer.concat([
    SIGNATURE,
    header(picture),
    ...chunks,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A PNG of exactly so many bytes where that is possible: a private chunk fills it up. */
export function paddedPng(
  picture: Picture,
  texts: Readonly<Record<string, string>>,
  size: number,
  seed: string,
): Content {
  const png = encodePng(picture, texts);
  const filling = size - png.length - 12;
  if (filling < 0) return bytes(png);
  const end = png.length - 12;
  const length = Buffer.alloc(8);
  length.writeUInt32BE(filling);
  length.write('siMp', 4, 'latin1');
  const inside = noise(seed, filling);
  return joined([
    bytes(png.subarray(0, end)),
    bytes(length),
    inside,
    checksum(inside),
    bytes(png.subarray(end)),
  ]);
}

/** Width and height of a PNG; undefined for anything else. */
export function pngSize(file: Buffer): { width: number; height: number } | undefined {
  if (file.length < 24 || !file.subarray(0, 8).equals(SIGNATURE)) return undefined;
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
}

/** Of the filling; counted when somebody reads that far. */
function checksum(inside: Content): Content {
  let crc: Buffer | undefined;
  const count = () => {
    let sum = crc32('siMp');
    for (let at = 0; at < inside.size; at += 1_048_576) sum = crc32(inside.slice(at, at + 1_048_576), sum);
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(sum);
    return buffer;
  };
  return {
    size: 4,
    slice(start, end) {
      crc ??= count();
      return crc.subarray(start, end);
    },
  };
}

function header({ width, height }: Picture): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, RGB, 0, 0, 0], 8);
  return chunk('IHDR', data);
}

function chunk(type: string, data: Buffer): Buffer {
  const whole = Buffer.alloc(data.length + 12);
  whole.writeUInt32BE(data.length, 0);
  whole.write(type, 4, 'latin1');
  data.copy(whole, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, data.length + 8)), data.length + 8);
  return whole;
}

/** Latin-1 only: what lies beyond is escaped, as Python's `json.dumps` does. */
function textData(key: string, text: string): Buffer {
  const escaped = text.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(`${key}\0${escaped}`, 'latin1');
}

function pixels({ width, height, paint }: Picture): Buffer {
  const stride = width * 3 + 1;
  const all = Buffer.alloc(stride * height);
  const colorAt = 'color' in paint ? () => paint.color : squares(paint.seed);
  for (let y = 0; y < height; y++) {
    if (y % SQUARE_PIXELS > 0) {
      all.copy(all, y * stride, (y - 1) * stride, y * stride);
      continue;
    }
    for (let x = 0; x < width; x += SQUARE_PIXELS) {
      const end = Math.min(width, x + SQUARE_PIXELS);
      const from = y * stride + 1;
      const color = colorAt();
      for (let one = x; one < end; one++) {
        all.writeUIntBE(color & 0xffffff, from + one * 3, 3);
      }
    }
  }
  return all;
}

/** Colours one after the other, the same ones for the same seed. */
function squares(seed: string): () => number {
  let state = crc32(seed) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 8;
  };
}
