import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { smallDisk } from '../../support/small-disk.ts';
import { download } from './support/download.ts';
import { NEVER, play, serve, sha256, VERSIONS } from './support/serve.ts';

const MADE = { filename: 'a_00001_.png', subfolder: 'sub', type: 'output' } as const;
const CONTENT = randomBytes(3 << 20);
const HALF = CONTENT.length / 2;
const ETAG = '"18eaa6226150d858-300000"';

let folder = '';
let target = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autopod-download-'));
  target = join(folder, 'a.png');
});
afterEach(() => rm(folder, { recursive: true }));

const whole = { path: '', bytes: CONTENT.length, sha256: sha256(CONTENT) };
const isWhole = async (path = target) => (await readFile(path)).equals(CONTENT);
const rangeOf = (request: IncomingMessage) =>
  Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);

/** Sends the file from where it is asked for, as aiohttp does: whatever If-Range says. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  how: { content?: Buffer; etag?: string } = {},
) {
  const { content = CONTENT, etag = ETAG } = how;
  const start = rangeOf(request);
  if (start >= content.length) {
    return response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
  }
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-type': 'image/png',
    'content-length': content.length - start,
    ...(start > 0 ? range : {}),
  });
  response.end(content.subarray(start));
}
/** The head of the whole file, and its first half; then the connection is cut. */
function cut(response: ServerResponse, etag: string | undefined = ETAG) {
  response.writeHead(200, { 'content-length': CONTENT.length, ...(etag ? { etag } : {}) });
  response.write(CONTENT.subarray(0, HALF), () => setImmediate(() => response.destroy()));
}

describe.each(VERSIONS)('from ComfyUI %s', (version) => {
  it('a file that is cut several times comes whole, each byte asked for once more at most', async () => {
    await using comfy = await play({ version });
    const content = { size: CONTENT.length, slice: (a: number, b: number) => CONTENT.subarray(a, b) };
    comfy.comfyui.storage.put({ ...MADE }, content as never);
    comfy.comfyui.faults.view = { delayMs: 0, bytesPerSecond: null, cutAfterBytes: 1 << 20, times: 2 };
    expect(await download(comfy.way, MADE, target, NEVER)).toEqual({ ...whole, path: target });
    expect(await isWhole()).toBe(true);
  });

  it('what is no longer there is outputGone', async () => {
    await using comfy = await play({ version });
    await expect(download(comfy.way, MADE, target, NEVER)).rejects.toMatchObject({
      code: 'outputGone',
      detail: { filename: MADE.filename },
    });
  });
});

it('a cut file is continued where it was cut, and told of by bytes', async () => {
  let asked = 0;
  await using server = await serve((request, response) => {
    asked += 1;
    if (asked === 1) cut(response);
    else send(request, response);
  });
  const told: [number, number | null][] = [];
  await download(server.way, MADE, target, NEVER, (...bytes) => told.push(bytes));
  expect(await isWhole()).toBe(true);
  const [, second] = server.requests;
  expect(second?.headers['if-range']).toBe(ETAG);
  expect(Number(/\d+/.exec(second?.headers.range ?? '')?.[0])).toBeGreaterThan(0);
  expect(told.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
  expect(await readdir(folder)).toEqual(['a.png']);
});

it('what a killed process has left is continued, and its SHA-256 is that of the whole', async () => {
  await writeFile(`${target}.part`, CONTENT.subarray(0, HALF));
  await writeFile(`${target}.part.version`, ETAG);
  await using server = await serve(send);
  expect(await download(server.way, MADE, target, NEVER)).toEqual({ ...whole, path: target });
  expect(server.requests[0]?.headers.range).toBe(`bytes=${HALF}-`);
  expect(await isWhole()).toBe(true);
});

it('what was whole when the process was killed is not sent again', async () => {
  await writeFile(`${target}.part`, CONTENT);
  await writeFile(`${target}.part.version`, ETAG);
  await using server = await serve(send);
  expect(await download(server.way, MADE, target, NEVER)).toMatchObject({ sha256: sha256(CONTENT) });
  expect(server.requests.length).toBe(1);
  expect(await isWhole()).toBe(true);
});

it('what is left of an unknown version is begun anew', async () => {
  await writeFile(`${target}.part`, 'something');
  await using server = await serve(send);
  await download(server.way, MADE, target, NEVER);
  expect(server.requests[0]?.headers.range).toBeUndefined();
  expect(await isWhole()).toBe(true);
});

it.each([
  ['goes on in it all the same', (request: IncomingMessage) => rangeOf(request)],
  ['sends the other one whole', () => 0],
])('a file that changes between two attempts is begun anew: the server %s', async (_, startOf) => {
  await writeFile(`${target}.part`, randomBytes(HALF));
  await writeFile(`${target}.part.version`, '"of-before"');
  await using server = await serve((request, response) => {
    if (startOf(request) === 0) delete request.headers.range;
    send(request, response);
  });
  await download(server.way, MADE, target, NEVER);
  expect(await isWhole()).toBe(true);
});

it('a part that is longer than the file is thrown away', async () => {
  await writeFile(`${target}.part`, Buffer.concat([CONTENT, CONTENT]));
  await writeFile(`${target}.part.version`, ETAG);
  await using server = await serve(send);
  await download(server.way, MADE, target, NEVER);
  expect(await isWhole()).toBe(true);
});

it('a server that ignores ranges is read from the beginning', async () => {
  let asked = 0;
  await using server = await serve((_, response) => {
    asked += 1;
    if (asked === 1) return cut(response);
    response.writeHead(200, { etag: ETAG, 'content-length': CONTENT.length }).end(CONTENT);
  });
  expect(await download(server.way, MADE, target, NEVER)).toMatchObject({ bytes: CONTENT.length });
  expect(await isWhole()).toBe(true);
});

it('without a version nothing is continued', async () => {
  let asked = 0;
  await using server = await serve((request, response) => {
    asked += 1;
    if (asked === 1) return cut(response, '');
    send(request, response);
  });
  await download(server.way, MADE, target, NEVER);
  expect(server.requests[1]?.headers.range).toBeUndefined();
  expect(await isWhole()).toBe(true);
});

it('a file without a length is whole when its end comes, and not before', async () => {
  let asked = 0;
  await using server = await serve((_, response) => {
    asked += 1;
    response.writeHead(200, {});
    response.write(CONTENT.subarray(0, HALF), () => {
      // At first it is only seen that no length is told.
      if (asked <= 2) response.destroy();
      else response.end(CONTENT.subarray(HALF));
    });
  });
  await download(server.way, MADE, target, NEVER);
  expect(asked).toBe(3);
  expect(await isWhole()).toBe(true);
});

it('a server that never gets further is comfyUnanswered; what has come stays for the next time', async () => {
  let isWell = false;
  await using server = await serve((request, response) => {
    if (isWell) return send(request, response);
    if (rangeOf(request) > 0) return response.destroy();
    cut(response);
  });
  await expect(download(server.way, MADE, target, NEVER)).rejects.toMatchObject({
    code: 'comfyUnanswered',
  });
  expect((await readdir(folder)).sort()).toEqual(['a.png.part', 'a.png.part.version']);
  isWell = true;
  await download(server.way, MADE, target, NEVER);
  expect(Number(/\d+/.exec(server.requests.at(-1)?.headers.range ?? '')?.[0])).toBeGreaterThan(0);
  expect(await isWhole()).toBe(true);
});

it.each([
  ['a page with 200', 200, 'text/html; charset=utf-8', 'comfyAnswerUnexpected'],
  ['no leave', 401, 'text/plain', 'comfyAnswerUnexpected'],
  ['a name that ComfyUI does not serve', 400, 'text/plain', 'comfyAnswerUnexpected'],
  ['a tunnel without a pod', 503, 'text/html', 'comfyUnanswered'],
])('%s is no file', async (_, status, type, code) => {
  await using server = await serve((_request, response) =>
    response.writeHead(status, { 'content-type': type }).end('<html>'),
  );
  await expect(download(server.way, MADE, target, NEVER)).rejects.toMatchObject({ code });
  expect(await readdir(folder)).not.toContain('a.png');
});

it('an abort leaves what has come', async () => {
  const controller = new AbortController();
  await using server = await serve((_, response) => {
    response.writeHead(200, { etag: ETAG, 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, HALF));
  });
  const downloading = download(server.way, MADE, target, controller.signal, (bytes) => {
    if (bytes >= 1 << 20) controller.abort();
  });
  await expect(downloading).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(folder)).toContain('a.png.part');
});

describe('names that are taken', () => {
  it('a file of the same name stays, and this one gets -2, then -3', async () => {
    await writeFile(target, 'of somebody');
    await writeFile(join(folder, 'a-2.png'), 'of another');
    await using server = await serve(send);
    const { path } = await download(server.way, MADE, target, NEVER);
    expect(path).toBe(join(folder, 'a-3.png'));
    expect(await isWhole(path)).toBe(true);
    expect(await readFile(target, 'utf8')).toBe('of somebody');
  });

  it('a file of the same content is this one', async () => {
    await writeFile(target, CONTENT);
    await using server = await serve(send);
    expect(await download(server.way, MADE, target, NEVER)).toEqual({ ...whole, path: target });
    expect(await readdir(folder)).toEqual(['a.png']);
  });

  it('a folder, a dangling link and a link to elsewhere are not written through', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'autopod-elsewhere-'));
    await mkdir(target);
    await symlink(join(elsewhere, 'nothing'), join(folder, 'a-2.png'));
    await writeFile(join(elsewhere, 'kept'), 'kept');
    await symlink(join(elsewhere, 'kept'), join(folder, 'a-3.png'));
    await using server = await serve(send);
    const { path } = await download(server.way, MADE, target, NEVER);
    expect(path).toBe(join(folder, 'a-4.png'));
    expect(await readdir(elsewhere)).toEqual(['kept']);
    expect(await readFile(join(elsewhere, 'kept'), 'utf8')).toBe('kept');
    await rm(elsewhere, { recursive: true });
  });

  it('a crash after the file got its name leaves one file', async () => {
    await writeFile(`${target}.part`, CONTENT);
    await writeFile(`${target}.part.version`, ETAG);
    await link(`${target}.part`, target);
    await using server = await serve(send);
    expect(await download(server.way, MADE, target, NEVER)).toMatchObject({ path: target });
    expect(await readdir(folder)).toEqual(['a.png']);
  });

  it('six at once to one name are one file of each content', async () => {
    const other = randomBytes(1_000);
    await using server = await serve((request, response) =>
      send(request, response, request.url?.includes('other') ? { content: other, etag: '"o"' } : {}),
    );
    const paths = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (n) => {
        const output = n % 2 ? MADE : { ...MADE, filename: 'other.png' };
        return (
          await download(server.way, output, target, NEVER, undefined, {
            partPath: join(folder, `${n}.part`),
          })
        ).path;
      }),
    );
    expect(new Set(paths).size).toBe(2);
    expect((await readdir(folder)).sort()).toEqual(['a-2.png', 'a.png']);
  });
});

it('a folder that is not there is outputFolderUnwritable', async () => {
  await using server = await serve(send);
  const path = join(folder, 'nowhere', 'x.png');
  await expect(download(server.way, MADE, path, NEVER)).rejects.toMatchObject({
    code: 'outputFolderUnwritable',
  });
});

it('odd names are asked for as they are', async () => {
  const odd = { filename: 'a b&c=ü%2F#?.png', subfolder: 'x/y z', type: 'temp' } as const;
  let asked: URLSearchParams | undefined;
  await using server = await serve((request, response) => {
    asked = new URL(request.url ?? '', 'http://x').searchParams;
    send(request, response);
  });
  await download(server.way, odd, target, NEVER);
  expect(Object.fromEntries(asked ?? [])).toEqual(odd);
});

/** Only where this user may mount a disk. */
it('a full disk here is diskFull; what has come stays, and is continued when there is room', async (test) => {
  using disk = smallDisk(2_048);
  if (!disk) return test.skip('needs the right to mount');
  await using server = await serve(send);
  const path = join(disk.path, 'a.png');
  await expect(download(server.way, MADE, path, NEVER)).rejects.toMatchObject({
    code: 'diskFull',
    detail: { path: `${path}.part` },
  });
  execFileSync('mount', ['-o', 'remount,size=8m', disk.path]);
  await download(server.way, MADE, path, NEVER);
  expect(Number(/\d+/.exec(server.requests.at(-1)?.headers.range ?? '')?.[0])).toBeGreaterThan(0);
  expect(await isWhole(path)).toBe(true);
});
