/** Texts by name, as a file carries them. */
type Texts = Readonly<Record<string, string>>;

/** The image data of a WebP of one pixel. */
const PIXEL = Buffer.from('VlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=', 'base64');

const HAS_EXIF = 0x08;
const ASCII = 2;
/** Where ComfyUI puts the prompt; the workflow and what follows it stand below. */
const MODEL = 0x0110;
const MAKE = 0x010f;

/** A WebP of one pixel with `prompt:{…}` and `workflow:{…}` in its EXIF block, as SaveAnimatedWEBP writes them. */
export function encodeWebp({ prompt = '', ...others }: Texts): Buffer {
  const fields: [tag: number, text: string][] = [
    ...Object.entries(others).map(([name, text], index): [number, string] => [
      MAKE - index,
      `${name}:${text}`,
    ]),
    [MODEL, `prompt:${prompt}`],
  ];
  const extended = Buffer.alloc(10);
  extended[0] = HAS_EXIF;
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    riffChunk('VP8X', extended),
    PIXEL,
    riffChunk('EXIF', exif(fields.sort(([a], [b]) => a - b))),
  ]);
  return riffChunk('RIFF', body);
}

/** A FLAC without sound, with the texts among its comments, as SaveAudio writes them. */
export function encodeFlac(texts: Texts): Buffer {
  const comments = Object.entries(texts).map(([name, text]) => counted(Buffer.from(`${name}=${text}`)));
  const vendor = counted(Buffer.from('Lavf'));
  const block = Buffer.concat([vendor, little32(comments.length), ...comments]);
  return Buffer.concat([Buffer.from('fLaC'), flacBlock(0, streamInfo()), flacBlock(4, block, true)]);
}

function riffChunk(name: string, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(name), little32(data.length), data, Buffer.alloc(data.length % 2)]);
}

/** A TIFF header and one directory of text fields. */
function exif(fields: readonly (readonly [tag: number, text: string])[]): Buffer {
  const directory = Buffer.alloc(2 + fields.length * 12 + 4);
  directory.writeUInt16LE(fields.length);
  const texts: Buffer[] = [];
  let at = 8 + directory.length;
  fields.forEach(([tag, text], index) => {
    const bytes = Buffer.from(`${text}\0`);
    const entry = 2 + index * 12;
    directory.writeUInt16LE(tag, entry);
    directory.writeUInt16LE(ASCII, entry + 2);
    directory.writeUInt32LE(bytes.length, entry + 4);
    directory.writeUInt32LE(at, entry + 8);
    texts.push(bytes);
    at += bytes.length;
  });
  return Buffer.concat([Buffer.from('II*\0'), little32(8), directory, ...texts]);
}

/** 44.1 kHz, stereo, 16 bits, no samples. */
function streamInfo(): Buffer {
  const info = Buffer.alloc(34);
  info.writeUInt16BE(4096, 0);
  info.writeUInt16BE(4096, 2);
  info.writeUInt32BE((44_100 << 12) | (1 << 9) | (15 << 4), 10);
  return info;
}

function flacBlock(type: number, data: Buffer, isLast = false): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  head[0] = type | (isLast ? 0x80 : 0);
  return Buffer.concat([head, data]);
}

function counted(text: Buffer): Buffer {
  return Buffer.concat([little32(text.length), text]);
}

function little32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
