import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import { type ComfyAnswer, TROUBLE } from '../answer.ts';
import { type Body, tooLarge } from '../body.ts';
import { bytes, type Content } from './content.ts';
import { DiskFullError, type FolderName, insideFolder, OutsideError, type Storage } from './storage.ts';

const REFUSED: ComfyAnswer = { status: 400 };

/** `POST /upload/image` and `/upload/mask`: stores the file and answers with the name it has. */
export async function receiveUpload(
  storage: Storage,
  request: IncomingMessage,
  body: Body,
): Promise<ComfyAnswer> {
  if (body.isTooLong) return tooLarge(body);
  const type = request.headers['content-type'];
  if (!type?.startsWith('multipart/form-data')) return REFUSED;
  const form = await readForm(type, body.bytes);
  if (!form) return TROUBLE;
  const image = form.get('image');
  if (!(image instanceof File) || image.name === '') return REFUSED;
  const folder = field(form, 'type') || 'input';
  if (folder !== 'input' && folder !== 'output' && folder !== 'temp') return TROUBLE;
  try {
    return await store(storage, image, form, folder);
  } catch (error) {
    if (error instanceof OutsideError) return REFUSED;
    if (error instanceof DiskFullError) return TROUBLE;
    throw error;
  }
}

async function store(storage: Storage, image: File, form: FormData, type: FolderName): Promise<ComfyAnswer> {
  const content = bytes(Buffer.from(await image.arrayBuffer()));
  const subfolder = insideFolder(field(form, 'subfolder'));
  const filename = image.name.slice(image.name.lastIndexOf('/') + 1);
  const overwrite = field(form, 'overwrite');
  const isOverwriting = overwrite === 'true' || overwrite === '1';
  const name = isOverwriting ? filename : freeName(storage, { filename, subfolder, type }, content);
  storage.put({ filename: name, subfolder, type }, content);
  return { status: 200, json: { name, subfolder, type } };
}

/** The name itself, also where it has the same bytes already, or one with a number: `a (1).png`. */
function freeName(
  storage: Storage,
  { filename, subfolder, type }: { filename: string; subfolder: string; type: FolderName },
  content: Content,
): string {
  const { name, ext } = posix.parse(filename);
  for (let index = 0; ; index++) {
    const candidate = index === 0 ? filename : `${name} (${index})${ext}`;
    const there = storage.get({ filename: candidate, subfolder, type });
    if (!there || isSame(there.content, content)) return candidate;
  }
}

function isSame(a: Content, b: Content): boolean {
  return a.size === b.size && a.slice(0, a.size).equals(b.slice(0, b.size));
}

function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

async function readForm(contentType: string, body: Buffer): Promise<FormData | undefined> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    return undefined;
  }
}
