import type { ComfyAnswer } from '../answer.ts';
import type { ComfyUiVersion } from '../recorded.ts';
import type { Content } from './content.ts';
import { type FolderName, insideFolder, OutsideError, type Storage } from './storage.ts';

const CONTENT_TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  mp4: 'video/mp4',
  webm: 'video/webm',
  flac: 'audio/flac',
  mp3: 'audio/mpeg',
  wav: 'audio/x-wav',
  opus: 'audio/opus',
  json: 'application/json',
  txt: 'text/plain',
};

/** A picture of one pixel in each format that a preview may have. */
const PREVIEWS: Record<string, Buffer> = {
  webp: Buffer.from('UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=', 'base64'),
  jpeg: Buffer.from(
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z',
    'base64',
  ),
};

export const PREVIEW_JPEG: Buffer = PREVIEWS.jpeg ?? Buffer.alloc(0);

interface ViewRequest {
  query: URLSearchParams;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** `GET /view`, as aiohttp serves a file: ranges, validators, no compression. */
export function view(
  storage: Storage,
  version: ComfyUiVersion,
  { query, headers }: ViewRequest,
): ComfyAnswer {
  const [, named = '', annotated] =
    /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(query.get('filename') ?? '') ?? [];
  if (named === '') return { status: 404 };
  if (named.startsWith('/') || named.includes('..')) return { status: 400 };
  const type = annotated ?? query.get('type') ?? 'output';
  if (!isFolder(type)) return { status: 400 };
  let subfolder: string;
  try {
    subfolder = insideFolder(query.get('subfolder') ?? '');
  } catch (error) {
    if (error instanceof OutsideError) return { status: 403 };
    throw error;
  }
  const filename = named.slice(named.lastIndexOf('/') + 1);
  const file = storage.get({ filename, subfolder, type });
  if (!file) return { status: 404 };

  const disposition = { 'content-disposition': `filename="${filename}"` };
  const preview = /^(webp|jpeg)/.exec(query.get('preview') ?? '')?.[0];
  if (preview) {
    return {
      status: 200,
      headers: { ...disposition, 'content-type': `image/${preview}` },
      bytes: PREVIEWS[preview],
    };
  }
  const ending = /\.([^.]+)$/.exec(filename)?.[1]?.toLowerCase() ?? '';
  return ranged(file.content, file.modifiedAt, headers, {
    ...(version === '0.33.0' && { 'x-content-type-options': 'nosniff' }),
    ...disposition,
    'content-type': CONTENT_TYPES[ending] ?? 'application/octet-stream',
  });
}

function isFolder(type: string): type is FolderName {
  return type === 'input' || type === 'output' || type === 'temp';
}

function ranged(
  content: Content,
  modifiedAt: number,
  asked: ViewRequest['headers'],
  headers: Record<string, string>,
): ComfyAnswer {
  const { size } = content;
  const etag = `"${(BigInt(modifiedAt) * 1_000_000n).toString(16)}-${size.toString(16)}"`;
  // Rounded up, as recorded: the second of the file's time lies before it.
  const lastModified = new Date(Math.ceil(modifiedAt / 1000) * 1000).toUTCString();
  const validators = { etag, 'last-modified': lastModified };
  if (isFresh(asked, etag, lastModified)) return { status: 304, headers: { ...headers, ...validators } };
  const whole = { status: 200, headers: { ...headers, ...validators, 'accept-ranges': 'bytes' } };
  const range = asked.range;
  if (typeof range !== 'string' || isOutdated(asked['if-range'], lastModified)) return { ...whole, content };
  const found = rangeOf(range, size);
  if (!found) {
    return {
      status: 416,
      headers: { ...headers, 'content-range': `bytes */${size}`, 'transfer-encoding': 'chunked' },
    };
  }
  const { start, end } = found;
  const part = { size: end - start, slice: (a: number, b: number) => content.slice(start + a, start + b) };
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${size}` };
  return { status: 206, headers: { ...whole.headers, ...contentRange }, content: part };
}

function isFresh(asked: ViewRequest['headers'], etag: string, lastModified: string): boolean {
  const tags = asked['if-none-match'];
  if (typeof tags === 'string') return tags === '*' || tags.split(/\s*,\s*/).includes(etag);
  const since = asked['if-modified-since'];
  return typeof since === 'string' && Date.parse(since) >= Date.parse(lastModified);
}

/** aiohttp compares dates only: a tag there is as good as nothing. */
function isOutdated(ifRange: string | string[] | undefined, lastModified: string): boolean {
  const date = Date.parse(String(ifRange));
  return !Number.isNaN(date) && date < Date.parse(lastModified);
}

function rangeOf(header: string, size: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return start < size && start < end ? { start, end } : undefined;
}
