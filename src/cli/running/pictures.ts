import { readFile, stat } from 'node:fs/promises';
import type { Context } from '../context.ts';

/** Larger files are not worth the bytes that a terminal would be sent. */
const MOST_BYTES = 32 * 1024 ** 2;
/** Columns a picture is shown in. */
const COLUMNS = 48;
/** Of a sixel picture, in pixels: about as wide. */
const SIXEL_WIDTH = 480;
/** Most of base64 in one message to kitty. */
const KITTY_CHUNK = 4096;

/** Shows pictures on terminals that can: kitty's protocol, iTerm2's, or sixel. */
export class Pictures {
  readonly #context: Context;
  readonly #isWanted: boolean;

  constructor(context: Context, isWanted: boolean) {
    this.#context = context;
    this.#isWanted = isWanted && context.out.isLive && !context.out.isJson;
  }

  /** Nothing where the terminal or the file is none that can be shown; a picture is a courtesy, and never a failure. */
  async show(path: string): Promise<void> {
    if (!this.#isWanted || !/\.(png|jpe?g|webp|gif)$/i.test(path)) return;
    const { stderr } = this.#context.out;
    const { createSupportsTerminalGraphics } = await import('supports-terminal-graphics');
    const { kitty, iterm2, sixel } = createSupportsTerminalGraphics(stderr);
    if (!kitty && !iterm2 && !sixel) return;
    const size = await stat(path).then(
      (entry) => entry.size,
      () => Number.POSITIVE_INFINITY,
    );
    if (size > MOST_BYTES) return;
    const bytes = await readFile(path);
    const isPng = bytes.subarray(1, 4).toString('latin1') === 'PNG';
    const picture =
      kitty && isPng
        ? forKitty(bytes)
        : iterm2
          ? (await import('ansi-escapes')).image(bytes, { width: COLUMNS })
          : sixel && isPng
            ? await forSixel(bytes).catch(() => undefined)
            : undefined;
    if (picture !== undefined) stderr.write(`${picture}\n`);
  }
}

/** A PNG in the messages of https://sw.kovidgoyal.net/kitty/graphics-protocol. */
function forKitty(png: Buffer): string {
  const base64 = png.toString('base64');
  const messages: string[] = [];
  for (let at = 0; at < base64.length; at += KITTY_CHUNK) {
    const isLast = at + KITTY_CHUNK >= base64.length;
    const keys = at === 0 ? `a=T,f=100,q=2,c=${COLUMNS},` : '';
    messages.push(`\u001b_G${keys}m=${isLast ? 0 : 1};${base64.slice(at, at + KITTY_CHUNK)}\u001b\\`);
  }
  return messages.join('');
}

/** A PNG made small enough by leaving out pixels, in 256 colours. */
async function forSixel(png: Buffer): Promise<string> {
  const [{ decode }, { image2sixel }] = await Promise.all([import('fast-png'), import('sixel')]);
  const { width, height, data, channels, depth } = decode(png);
  const scale = Math.max(1, width / SIXEL_WIDTH);
  const columns = Math.max(1, Math.floor(width / scale));
  const rows = Math.max(1, Math.floor(height / scale));
  const rgba = new Uint8ClampedArray(columns * rows * 4);
  const shift = depth === 16 ? 8 : 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const from = (Math.floor(y * scale) * width + Math.floor(x * scale)) * channels;
      const value = (channel: number) => (data[from + channel] ?? 0) >> shift;
      const isGrey = channels < 3;
      const alpha = channels % 2 === 0 ? value(channels - 1) : 255;
      rgba.set([value(0), value(isGrey ? 0 : 1), value(isGrey ? 0 : 2), alpha], (y * columns + x) * 4);
    }
  }
  return image2sixel(rgba, columns, rows);
}
