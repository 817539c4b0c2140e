import { createHash } from 'node:crypto';

/** The bytes of a file, which need not be in memory. */
export interface Content {
  readonly size: number;
  /** From `start` up to but without `end`. */
  slice(start: number, end: number): Buffer;
}

export function bytes(buffer: Buffer): Content {
  return { size: buffer.length, slice: (start, end) => buffer.subarray(start, end) };
}

/** Made when somebody reads it, and again when memory was wanted in between. */
export function madeWhenRead(make: () => Buffer): Content {
  let made: WeakRef<Buffer> | undefined;
  const whole = () => {
    const buffer = made?.deref() ?? make();
    made = new WeakRef(buffer);
    return buffer;
  };
  return {
    get size() {
      return whole().length;
    },
    slice: (start, end) => whole().subarray(start, end),
  };
}

/** Files one after the other. */
export function joined(parts: readonly Content[]): Content {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return {
    size,
    slice(start, end) {
      const pieces: Buffer[] = [];
      let at = 0;
      for (const part of parts) {
        const from = Math.max(0, start - at);
        const to = Math.min(part.size, end - at);
        if (from < to) pieces.push(part.slice(from, to));
        at += part.size;
      }
      return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    },
  };
}

const BLOCK_BYTES = 64 * 1024;

/** So many bytes that no compression makes smaller, the same ones for the same seed. */
export function noise(seed: string, size: number): Content {
  let block: Buffer | undefined;
  const blockOf = () => {
    block ??= noiseBlock(seed, Math.min(BLOCK_BYTES, size));
    return block;
  };
  return {
    size,
    slice(start, end) {
      const block = blockOf();
      const out = Buffer.allocUnsafe(Math.max(0, Math.min(end, size) - start));
      for (let at = 0; at < out.length; ) {
        at += block.copy(out, at, (start + at) % block.length);
      }
      return out;
    },
  };
}

function noiseBlock(seed: string, size: number): Buffer {
  const block = Buffer.alloc(size);
  let digest = createHash('sha256').update(seed).digest();
  for (let at = 0; at < size; at += digest.length) {
    digest.copy(block, at);
    digest = createHash('sha256').update(digest).digest();
  }
  return block;
}
