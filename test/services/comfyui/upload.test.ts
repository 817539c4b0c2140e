import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadInput } from '../../../src/services/comfyui/index.ts';
import { bodyOf, NEVER, play, serve, sha256, VERSIONS } from './support/serve.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autopod-upload-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Buffer) {
  const path = join(folder, name);
  await writeFile(path, content);
  return { path, sha256: sha256(content), bytes: Buffer.byteLength(content) };
}
const nameOf = (content: string | Buffer, ext: string) => `autopod-${sha256(content).slice(0, 16)}${ext}`;
const posts = (server: { requests: { line: string }[] }) =>
  server.requests.filter(({ line }) => line.startsWith('POST')).length;

describe.each(VERSIONS)('at ComfyUI %s', (version) => {
  it('a file is stored by its content, whatever its name here', async () => {
    await using comfy = await play({ version });
    const input = await file('Übung (1) "x".PNG', 'picture');
    expect(await uploadInput(comfy.way, input, NEVER)).toBe(nameOf('picture', '.png'));
    const stored = comfy.comfyui.storage.get({
      filename: nameOf('picture', '.png'),
      subfolder: '',
      type: 'input',
    });
    expect(stored?.content.size).toBe(7);
  });

  it('a full disk of the pod is podDiskFull', async () => {
    await using comfy = await play({ version });
    comfy.comfyui.faults.diskFull = true;
    const input = await file('full.png', 'no room');
    await expect(uploadInput(comfy.way, input, NEVER)).rejects.toMatchObject({ code: 'podDiskFull' });
  });

  it('a file over the limit is inputTooLarge, with the limit', async () => {
    await using comfy = await play({ version, maxBodyBytes: 1_000 });
    const input = await file('large.png', 'x'.repeat(2_000));
    await expect(uploadInput(comfy.way, input, NEVER)).rejects.toMatchObject({
      code: 'inputTooLarge',
      detail: { path: input.path, limit: 1_000 },
    });
  });
});

/** Takes uploads and has them from then on, `keeps` of their bytes. */
async function storing(keeps = Number.POSITIVE_INFINITY) {
  const sizes = new Map<string, number>();
  return await serve(async (request, response) => {
    if (request.method === 'HEAD') {
      const size = sizes.get(new URL(request.url ?? '', 'http://x').searchParams.get('filename') ?? '');
      return response.writeHead(size === undefined ? 404 : 200, { 'content-length': size ?? 0 }).end();
    }
    if (request.url === '/features') return response.writeHead(404).end();
    const form = await new Response(new Uint8Array(await bodyOf(request)), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData();
    const image = form.get('image') as File;
    expect([form.get('type'), form.get('overwrite')]).toEqual(['input', 'true']);
    sizes.set(image.name, Math.min(image.size, keeps));
    response.end(JSON.stringify({ name: image.name, subfolder: '', type: 'input' }));
  });
}

it('the same bytes go out once', async () => {
  await using server = await storing();
  const content = Buffer.alloc(3_000_000, 'p');
  const sent: number[] = [];
  const first = await uploadInput(server.way, await file('a.png', content), NEVER, (n) => sent.push(n));
  const again = await uploadInput(server.way, await file('b.png', content), NEVER);
  expect(again).toBe(first);
  expect(posts(server)).toBe(1);
  expect(sent.at(-1)).toBe(3_000_000);
});

it('one that an upload has left half is sent again', async () => {
  await using server = await storing(3);
  const input = await file('half.png', 'whole');
  await expect(uploadInput(server.way, input, NEVER)).rejects.toMatchObject({ code: 'podDiskFull' });
  await expect(uploadInput(server.way, input, NEVER)).rejects.toMatchObject({ code: 'podDiskFull' });
  expect(posts(server)).toBe(2);
});

it.each([
  ['grown', 'longer'],
  ['of the same size', 'OTHER'],
])('a file that has changed since is inputChanged: %s', async (_, now) => {
  await using server = await storing();
  const input = await file(`changed-${now}.png`, 'first');
  await writeFile(input.path, now);
  await expect(uploadInput(server.way, input, NEVER)).rejects.toMatchObject({ code: 'inputChanged' });
  // What was sent had no end, so nothing was stored: the true file goes out whole.
  await writeFile(input.path, 'first');
  expect(await uploadInput(server.way, input, NEVER)).toBe(nameOf('first', '.png'));
});

it('a file that is gone is inputUnreadable', async () => {
  await using server = await storing();
  const input = { path: join(folder, 'nowhere.png'), sha256: sha256(''), bytes: 0 };
  await expect(uploadInput(server.way, input, NEVER)).rejects.toMatchObject({
    code: 'inputUnreadable',
    detail: { path: input.path, reason: 'It is not there.' },
  });
});

it.each([
  ['.tar.gz', '.gz'],
  ['.p n g', ''],
  ['', ''],
])('the extension of x%s is kept as %s', async (ext, kept) => {
  await using server = await storing();
  expect(await uploadInput(server.way, await file(`x${ext}`, 'e'), NEVER)).toBe(nameOf('e', kept));
});

it('the name that ComfyUI gives it is the one that counts', async () => {
  await using server = await serve(async (request, response) => {
    if (request.method === 'HEAD') {
      const isThere = request.url?.includes('subfolder=sub&');
      return response.writeHead(isThere ? 200 : 404, { 'content-length': 1 }).end();
    }
    await bodyOf(request);
    response.end(JSON.stringify({ name: 'x (1).png', subfolder: 'sub', type: 'input' }));
  });
  expect(await uploadInput(server.way, await file('n.png', 'n'), NEVER)).toBe('sub/x (1).png');
});

it('an upload that is cut is comfyUnanswered, one to somebody else comfyAnswerUnexpected', async () => {
  const input = await file('cut.png', 'cut');
  await using cut = await serve((request, response) => {
    if (request.method === 'HEAD') return response.writeHead(404).end();
    request.socket.destroy();
  });
  await expect(uploadInput(cut.way, input, NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
  await using other = await serve((_, response) => response.writeHead(401).end());
  await expect(uploadInput(other.way, input, NEVER)).rejects.toMatchObject({
    code: 'comfyAnswerUnexpected',
  });
});

it('507 is podDiskFull', async () => {
  await using server = await serve(async (request, response) => {
    await bodyOf(request);
    response.writeHead(request.method === 'HEAD' ? 404 : 507).end();
  });
  await expect(uploadInput(server.way, await file('f.png', 'f'), NEVER)).rejects.toMatchObject({
    code: 'podDiskFull',
  });
});
