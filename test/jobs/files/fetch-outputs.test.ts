import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchOutputs, jobOfFile } from '../../../src/jobs/files/index.ts';
import type { JobOutput } from '../../../src/machines/job-types.ts';
import { findPrompt, submitPrompt } from '../../../src/services/comfyui/index.ts';
import { NEVER, type Played, play, serve, sha256 } from '../../services/comfyui/support/serve.ts';
import { deferred } from '../../support/deferred.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';
import { facts, output } from './facts.ts';

let out = '';
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'autopod-files-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

/** What a ComfyUI has made of this many files. */
async function made({ way }: Played, count: number, bytes: number): Promise<JobOutput[]> {
  const promptId = randomUUID();
  const inputs = { bytes, count, seconds: 0, ext: 'png', filename_prefix: 'sub/many' };
  const prompt = JSON.stringify({ '9': { class_type: 'SimOutput', inputs } });
  await submitPrompt(way, { promptId, prompt, workflow: null }, NEVER);
  return await until('done', async () => {
    const found = await findPrompt(way, promptId, NEVER);
    return found.kind === 'done' ? found.outputs : undefined;
  });
}
/** Sends each file's own name as its content. */
const naming = () =>
  serve((request, response) => {
    const name = new URL(request.url ?? '', 'http://x').searchParams.get('filename') ?? '';
    response.writeHead(200, { etag: `"${name}"`, 'content-length': name.length }).end(name);
  });
const files = async (folder = out) => (await readdir(folder, { recursive: true })).sort();

it('everything a job made is here, each file with its sidecar, and nothing else', async () => {
  await using comfy = await play();
  const outputs = await made(comfy, 9, 300_000);
  const saved: number[] = [];
  const told: (number | null)[] = [];
  const fetched = await fetchOutputs(comfy.way, facts({ out, outputs }), NEVER, {
    onFile: (now) => void saved.push(now.filter(({ path }) => path !== null).length),
    onBytes: ({ bytes, ofBytes }) => void told.push(bytes, ofBytes),
  });
  expect(fetched.map(({ path }) => path)).toEqual(
    outputs.map(({ n }) => join(out, 'sub', `k3f9xw-9-${n + 1}.png`)),
  );
  expect(fetched.every(({ bytes }) => bytes === 300_000)).toBe(true);
  expect(saved).toHaveLength(9);
  expect(saved.at(-1)).toBe(9);
  expect(told.slice(-2)).toEqual([2_700_000, 2_700_000]);
  for (const { path, sha256: hash } of fetched) expect(sha256(await readFile(path ?? ''))).toBe(hash);
  expect(await files(join(out, 'sub'))).toHaveLength(18);
});

it('a second call fetches only what is missing or was changed', async () => {
  await using server = await naming();
  const outputs = [0, 1, 2].map((n) => output({ n, filename: `${n}.png` }));
  const first = await fetchOutputs(server.way, facts({ out, outputs }), NEVER);
  await rm(first[1]?.path ?? '');
  await writeFile(first[2]?.path ?? '', 'edited');
  const asked = server.requests.length;
  const second = await fetchOutputs(server.way, facts({ out, outputs: first }), NEVER);
  expect(
    server.requests
      .slice(asked)
      .map(({ line }) => /filename=([^&]*)/.exec(line)?.[1])
      .sort(),
  ).toEqual(['1.png', '2.png']);
  expect(second[1]?.path).toBe(first[1]?.path);
  // What somebody has edited stays.
  expect(second[2]?.path).toBe(join(out, 'k3f9xw-9-3-2.png'));
  expect(await readFile(first[2]?.path ?? '', 'utf8')).toBe('edited');
});

it('previews are left out unless they were asked for', async () => {
  await using server = await naming();
  const outputs = [output({ filename: 'a.png' }), output({ n: 1, filename: 'b.png', type: 'temp' })];
  const without = await fetchOutputs(server.way, facts({ out, outputs }), NEVER);
  expect(without.map(({ path }) => path !== null)).toEqual([true, false]);
  const all = await fetchOutputs(server.way, facts({ out, outputs: without, withPreviews: true }), NEVER);
  expect(all.every(({ path }) => path !== null)).toBe(true);
});

it('files that share a name by their template are all kept', async () => {
  await using server = await naming();
  const outputs = [0, 1, 2].map((n) => output({ n, filename: `${n}.png` }));
  const fetched = await fetchOutputs(server.way, facts({ out, outputs, nameTemplate: 'same.{ext}' }), NEVER);
  expect(fetched.map(({ path }) => path).sort()).toEqual(
    ['same-2.png', 'same-3.png', 'same.png'].map((name) => join(out, name)),
  );
});

it('what has come before a failure is kept and told', async () => {
  await using server = await serve((request, response) => {
    if (request.url?.includes('gone')) return response.writeHead(404).end();
    response.end('x');
  });
  const outputs = [output({ filename: 'a.png' }), output({ n: 1, filename: 'gone.png' })];
  let saved: JobOutput[] = [];
  const fetching = fetchOutputs(server.way, facts({ out, outputs }), NEVER, {
    onFile: (now) => {
      saved = now;
    },
  });
  await expect(fetching).rejects.toMatchObject({ code: 'outputGone', detail: { filename: 'gone.png' } });
  expect(saved[0]?.path).toBe(join(out, 'k3f9xw-9-1.png'));
});

it('a link within the folder that leads out of it is outputFolderLeadsOut, and nothing is written there', async () => {
  await using server = await naming();
  const elsewhere = await mkdtemp(join(tmpdir(), 'autopod-elsewhere-'));
  await symlink(elsewhere, join(out, 'sub'));
  const outputs = [output({ subfolder: 'sub/deep' })];
  await expect(fetchOutputs(server.way, facts({ out, outputs }), NEVER)).rejects.toMatchObject({
    code: 'outputFolderLeadsOut',
    detail: { path: join(out, 'sub'), out, target: elsewhere },
  });
  expect(await files(elsewhere)).toEqual([]);
  await rm(elsewhere, { recursive: true });
});

it('the folder itself may be a link, and links within it may lead within it', async () => {
  await using server = await naming();
  await mkdir(join(out, 'real', 'there'), { recursive: true });
  await symlink(join(out, 'real'), join(out, 'link'));
  await symlink('there', join(out, 'real', 'sub'));
  const outputs = [output({ subfolder: 'sub' })];
  await fetchOutputs(server.way, facts({ out: join(out, 'link'), outputs }), NEVER);
  expect(await files(join(out, 'real', 'there'))).toEqual(['k3f9xw-9-1.png', 'k3f9xw-9-1.png.json']);
});

it('a folder that cannot be made is outputFolderUnwritable', async () => {
  await using server = await naming();
  await writeFile(join(out, 'file'), '');
  for (const [folder, subfolder] of [
    [join(out, 'file'), ''],
    [join(out, 'file', 'deeper'), ''],
    [out, 'file'],
  ] as const) {
    const outputs = [output({ subfolder })];
    await expect(fetchOutputs(server.way, facts({ out: folder, outputs }), NEVER)).rejects.toMatchObject({
      code: 'outputFolderUnwritable',
      detail: { reason: expect.stringContaining('a file and no folder') },
    });
  }
});

it('a folder in which none can be made, though it is there, is outputFolderUnwritable at once', async () => {
  await using server = await naming();
  const fetching = fetchOutputs(server.way, facts({ out: '/proc/nowhere', outputs: [output()] }), NEVER);
  await expect(fetching).rejects.toMatchObject({
    code: 'outputFolderUnwritable',
    detail: { path: '/proc/nowhere' },
  });
});

it('a folder that is removed while a file comes is outputFolderUnwritable, and the next call makes it anew', async () => {
  const taken = deferred<void>();
  await using server = await serve(async (_request, response) => {
    response.writeHead(200, { 'content-length': 4 }).write('ab');
    await taken.promise;
    response.end('cd');
  });
  const given = facts({ out: join(out, 'removed'), outputs: [output()] });
  const fetching = fetchOutputs(server.way, given, NEVER, {
    onBytes: () => void rm(given.out, { recursive: true, force: true }).then(() => taken.resolve()),
  });
  await expect(fetching).rejects.toMatchObject({ code: 'outputFolderUnwritable' });
  const [again] = await fetchOutputs(server.way, given, NEVER);
  expect(await readFile(again?.path ?? '', 'utf8')).toBe('abcd');
});

it('what is made has the permissions that the user gives to files, whatever those of this process are', async () => {
  await using server = await naming();
  const before = process.umask(0o077);
  try {
    const given = facts({ out: join(out, 'own'), outputs: [output({ subfolder: 'sub' })], umask: 0o027 });
    const [made] = await fetchOutputs(server.way, given, NEVER);
    const modes = await Promise.all(
      [given.out, join(given.out, 'sub'), made?.path ?? '', `${made?.path}.json`].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o750, 0o750, 0o640, 0o640]);
  } finally {
    process.umask(before);
  }
});

it('a full disk here is diskFull; with room the rest comes', async (test) => {
  using disk = smallDisk(3_000);
  if (!disk) return test.skip('needs the right to mount');
  await using comfy = await play();
  const outputs = await made(comfy, 6, 1_000_000);
  let saved = outputs;
  const fetch = () =>
    fetchOutputs(comfy.way, facts({ out: disk.path, outputs: saved }), NEVER, {
      onFile: (now) => {
        saved = now;
      },
    });
  await expect(fetch()).rejects.toMatchObject({ code: 'diskFull' });
  execFileSync('mount', ['-o', 'remount,size=32m', disk.path]);
  const fetched = await fetch();
  expect(fetched.every(({ path }) => path !== null)).toBe(true);
  expect(await files(join(disk.path, 'sub'))).toHaveLength(12);
});

it('a sidecar tells what made the file, where, in what time and for how much', async () => {
  await using server = await naming();
  const fetched = await fetchOutputs(server.way, facts({ out, outputs: [output()] }), NEVER);
  const sidecar = JSON.parse(await readFile(`${fetched[0]?.path}.json`, 'utf8'));
  expect(sidecar).toMatchObject({
    job: 'k3f9xw',
    batch: 'b2',
    changes: ['3.seed=7'],
    seeds: { '3.seed': '18446744073709551615' },
    promptId: 'prompt-1',
    pod: 'pod1',
    gpu: 'NVIDIA L4',
    comfyui: '0.33.0',
    seconds: 7.2,
    usd: 0.001,
    bytes: 18,
    sha256: sha256('ComfyUI_00001_.png'),
    madeAt: '2026-11-27T12:00:00.000Z',
    file: { node: '9', title: 'Save Image', filename: 'ComfyUI_00001_.png' },
  });
});

it('a file tells its job, renamed too; edited or of somebody else it tells none', async () => {
  await using server = await naming();
  const [one] = await fetchOutputs(server.way, facts({ out, outputs: [output()] }), NEVER);
  const path = one?.path ?? '';
  expect(await jobOfFile(path)).toBe('k3f9xw');
  await writeFile(join(out, 'broken.json'), '{');
  await writeFile(join(out, 'other.json'), '{"job":"zzzzzz"}');
  await rename(path, join(out, 'best.png'));
  expect(await jobOfFile(join(out, 'best.png'))).toBe('k3f9xw');
  await writeFile(join(out, 'best.png'), 'ComfyUI_00001_.PNG');
  expect(await jobOfFile(join(out, 'best.png'))).toBeUndefined();
  expect(await jobOfFile(join(out, 'nowhere.png'))).toBeUndefined();
  expect(await jobOfFile(out)).toBeUndefined();
});

it("somebody's own file in the place of a sidecar stays", async () => {
  await using server = await naming();
  const theirs = join(out, 'k3f9xw-9-1.png.json');
  await writeFile(theirs, 'mine');
  await fetchOutputs(server.way, facts({ out, outputs: [output()] }), NEVER);
  expect(await readFile(theirs, 'utf8')).toBe('mine');
});
