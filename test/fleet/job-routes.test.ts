import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BOUNDS, listen } from '../../src/fleet/gateway/http.ts';
import { JobVerbs } from '../../src/fleet/gateway/job-verbs.ts';
import { answer } from '../../src/fleet/gateway/routes.ts';
import { type FleetHome, openFleetHome } from '../../src/fleet/home.ts';
import { JobBook } from '../../src/fleet/jobs/book.ts';
import { Contents } from '../../src/fleet/jobs/contents.ts';
import { Submissions } from '../../src/fleet/jobs/submissions.ts';
import { People, type Role } from '../../src/fleet/people/people.ts';
import { Buckets } from '../../src/fleet/storage/buckets.ts';
import { Room } from '../../src/fleet/storage/room.ts';
import { Settings } from '../../src/fleet/storage/settings.ts';
import { jobRecord } from '../../src/store/job-record.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { tempHome } from '../support/temp-home.ts';

interface World {
  home: FleetHome;
  store: JobStore;
  contents: Contents;
  submissions: Submissions;
  token: (role: Role) => Promise<string>;
  ask: (
    method: string,
    path: string,
    token: string,
    body?: string | Buffer,
    headers?: object,
  ) => Promise<Response>;
  reached: string[];
}

/** A gateway with jobs on disk, and no engine behind it. */
async function world(): Promise<World> {
  const home = openFleetHome(tempHome());
  const people = new People(home);
  const store = new JobStore(home);
  const settings = new Settings(home);
  const room = new Room(home, settings);
  const contents = new Contents(home, room);
  const submissions = new Submissions(home, store, contents, room);
  const reached: string[] = [];
  const none = new Proxy({}, { get: (_, name) => async () => void reached.push(String(name)) }) as never;
  const jobs = new JobVerbs({
    places: none,
    pools: { get: async () => undefined } as never,
    submissions,
    jobs: { store, progress: new Map() } as never,
    book: new JobBook(store),
    elsewhere: { settings, buckets: new Buckets(home), log: () => undefined },
  });
  const other = { verbs: none, seen: none, views: none, pools: none, costs: none };
  const context = { people, ...other, contents, jobs, log: () => undefined };
  const served = await listen({ host: '127.0.0.1', port: 0 }, (asked) => answer(context, asked), {
    log: () => undefined,
    bounds: BOUNDS,
  });
  onTestFinished(() => served.close());
  let count = 0;
  return {
    home,
    store,
    contents,
    submissions,
    reached,
    token: async (role) => {
      count += 1;
      return (await people.login(await people.invite({ name: `p${count}`, role }), null)).token;
    },
    ask: (method, path, token, body, headers = {}) =>
      fetch(`${served.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body !== undefined && { body }),
      }),
  };
}

const BYTES = { 'content-type': 'application/octet-stream' };
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('what jobs and pools are asked takes a role', () => {
  const VERBS: [string, string, Role][] = [
    ['GET', '/v1/jobs', 'viewer'],
    ['GET', '/v1/jobs/k3f9xw', 'viewer'],
    ['GET', '/v1/jobs?named=my%20fox', 'viewer'],
    ['POST', '/v1/jobs/k3f9xw/cancel', 'member'],
    ['POST', '/v1/jobs/k3f9xw/retry', 'member'],
    ['POST', '/v1/batches', 'member'],
    ['GET', '/v1/batches/k3f9xw', 'viewer'],
    ['GET', '/v1/batches/k3f9xw/jobs?from=0', 'viewer'],
    ['GET', '/v1/files/k3f9xw/0', 'member'],
    ['GET', `/v1/contents/${'a'.repeat(64)}`, 'member'],
    ['POST', `/v1/contents/${'a'.repeat(64)}?offset=0&of=1`, 'member'],
    ['GET', '/v1/pools', 'viewer'],
    ['GET', '/v1/pools/art', 'viewer'],
    ['POST', '/v1/pools/art', 'member'],
    ['POST', '/v1/pools/art/remove', 'member'],
    ['GET', '/v1/pools/art/object_info', 'member'],
    ['GET', '/v1/costs?since=0', 'viewer'],
    ['GET', '/v1/bills?since=0', 'viewer'],
  ];
  it.each(VERBS)('%s %s', async (method, path, role) => {
    const { ask, token } = await world();
    const body = method === 'POST' ? '{}' : undefined;
    const viewer = await ask(method, path, await token('viewer'), body, {
      'content-type': 'application/json',
    });
    expect(viewer.status === 403).toBe(role === 'member');
    expect((await ask(method, path, `apt_${'x'.repeat(43)}`, body)).status).toBe(401);
    const member = await ask(method, path, await token('member'), body, {
      'content-type': 'application/json',
    });
    expect(member.status).not.toBe(403);
  });
});

describe('a content', () => {
  it('comes in pieces, goes on where it was cut off, and is what its name says', async () => {
    const { ask, token, home, contents } = await world();
    const member = await token('member');
    const bytes = randomBytes(2_500_000);
    const name = sha256Of(bytes);
    const piece = async (from: number, to: number) => {
      const path = `/v1/contents/${name}?offset=${from}&of=${bytes.length}`;
      return (await ask('POST', path, member, bytes.subarray(from, to), BYTES)).json();
    };
    expect(await piece(0, 1_000_000)).toEqual({ bytes: 1_000_000, isWhole: false });
    expect(await piece(0, 1_000_000)).toEqual({ bytes: 1_000_000, isWhole: false });
    expect(await piece(2_000_000, 2_500_000)).toEqual({ bytes: 1_000_000, isWhole: false });
    expect(await piece(1_000_000, 2_000_000)).toMatchObject({ bytes: 2_000_000 });
    expect(await piece(2_000_000, 2_500_000)).toEqual({ bytes: bytes.length, isWhole: true });
    expect(readFileSync(join(home.root, 'contents', name)).equals(bytes)).toBe(true);
    expect((await contents.file(name, '.png')).bytes).toBe(bytes.length);
  });

  it('under another’s name is thrown away', async () => {
    const { ask, token, home } = await world();
    const path = `/v1/contents/${'a'.repeat(64)}?offset=0&of=5`;
    const refused = await ask('POST', path, await token('member'), Buffer.from('hello'), BYTES);
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([
      409,
      'inputChanged',
    ]);
    expect(readdirSync(join(home.root, 'contents'))).toEqual([]);
  });

  it.each([
    ['a name that is no digest', '/v1/contents/..%2f..%2fpeople.json?offset=0&of=1', BYTES, 1, 404],
    ['another name', '/v1/contents/people?offset=0&of=1', BYTES, 1, 400],
    ['a piece that is too large', `/v1/contents/${'a'.repeat(64)}?offset=0&of=1`, BYTES, (1 << 20) + 1, 413],
    ['a whole that is too large', `/v1/contents/${'a'.repeat(64)}?offset=0&of=99999999999`, BYTES, 1, 413],
    ['no number', `/v1/contents/${'a'.repeat(64)}?offset=-1&of=1`, BYTES, 1, 400],
    ['JSON', `/v1/contents/${'a'.repeat(64)}?offset=0&of=1`, { 'content-type': 'application/json' }, 1, 415],
  ])('is refused with %s', async (_, path, headers, size, status) => {
    const { ask, token } = await world();
    const member = await token('member');
    const answered = await ask('POST', path, member, Buffer.alloc(size), headers).then(
      (response) => response.status,
      () => status, // the connection was cut while it was still being sent
    );
    expect(answered).toBe(status);
  });
});

describe('jobs that are made again', () => {
  const owner = 'p1';
  const asked = () => ({ submission: crypto.randomUUID(), pool: 'art', priority: 2, owner });
  const input = { sha256: 'c'.repeat(64), bytes: 3, targets: [{ nodeId: '1', input: 'image' }] };

  it('are one batch with the same values and nothing of what came of them, however often it is asked', async () => {
    const { submissions, store, home } = await world();
    const path = join(home.root, 'taken-in.png');
    writeFileSync(path, 'abc');
    const of = batchFacts({ owner, pool: 'art', maxCost: 2, onError: 'stop', count: 9 });
    const failure = { code: 'promptFailed' as const, detail: {} };
    const jobs = ['aaaaaa', 'bbbbbb'].map((jobId, index) =>
      jobFacts({
        jobId,
        index: 4 + index,
        seeds: { '3.seed': `${index}` },
        inputs: [{ path, ...input }],
        failure,
      }),
    );
    const request = { ...asked(), of, jobs };
    const batches = await Promise.all([1, 2, 3].map(() => submissions.again(request)));
    const [batch] = batches;
    expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(1);
    expect(batch).toMatchObject({ owner, pool: 'art', priority: 2, count: 2, maxCost: 2, onError: 'stop' });
    const again = [];
    for await (const { facts } of store.ofBatch(batch?.batchId ?? '')) again.push(facts);
    expect(again.map(({ seeds, index, failure: none }) => [seeds['3.seed'], index, none])).toEqual([
      ['0', 0, null],
      ['1', 1, null],
    ]);
    expect(
      again.every(({ jobId, out }) => !jobs.some((job) => job.jobId === jobId) && out.endsWith(jobId)),
    ).toBe(true);
  });

  it('are refused where what they took in was cleared away, and nothing is kept', async () => {
    const { submissions, store } = await world();
    const jobs = [jobFacts({ inputs: [{ path: '/nowhere/cat.png', ...input }] })];
    await expect(submissions.again({ ...asked(), of: batchFacts(), jobs })).rejects.toMatchObject({
      code: 'inputUnreadable',
      detail: { path: 'cat.png' },
    });
    expect(await store.batchIds()).toEqual([]);
  });

  it('are their owner’s to make again, or an admin’s, in a pool that is there', async () => {
    const { ask, token, store } = await world();
    await store.create(batchFacts({ owner, pool: 'art' }), [jobFacts({ owner })]);
    const body = JSON.stringify({ submission: crypto.randomUUID() });
    const retry = async (who: string) => {
      const json = { 'content-type': 'application/json' };
      const answered = await ask('POST', '/v1/jobs/k3f9xw/retry', who, body, json);
      return ((await answered.json()) as { error: { code: string } }).error.code;
    };
    // Of the first person it is; the pool is not there.
    expect(await retry(await token('member'))).toBe('poolNotFound');
    expect(await retry(await token('member'))).toBe('notAllowed');
    expect(await retry(await token('admin'))).toBe('poolNotFound');
  });
});

describe('a job is found', () => {
  it('by its name, whatever letters that has, and by the digest of a file that it made, the latest first', async () => {
    const { ask, token, store } = await world();
    const viewer = await token('viewer');
    const made = { nodeId: '9', n: 0, filename: 'x.png', subfolder: '', type: 'output' as const, bytes: 1 };
    const outputs = [{ ...made, path: '/x', sha256: 'd'.repeat(64) }];
    const ids = ['aaaaaa', 'bbbbbb'];
    await store.create(
      batchFacts({ count: 2 }),
      ids.map((jobId, index) =>
        jobFacts({ jobId, index, createdAt: index, outputs, name: `a fox? ${index}/2` }),
      ),
    );
    const found = async (path: string) =>
      ((await (await ask('GET', path, viewer)).json()) as { job?: { facts: { jobId: string } } }).job?.facts
        .jobId;
    expect(await found(`/v1/jobs?named=${encodeURIComponent('a fox? 0/2')}`)).toBe('aaaaaa');
    expect(await found(`/v1/jobs/${'d'.repeat(64)}`)).toBe('bbbbbb');
    expect(await found(`/v1/jobs/${'e'.repeat(64)}`)).toBeUndefined();
  });
});

describe('a file that a job has made', () => {
  it('is given whole or from a byte on, with its digest, and nothing else of the server is', async () => {
    const { ask, token, home, store, contents } = await world();
    const member = await token('member');
    const bytes = randomBytes(1_000);
    const sha256 = sha256Of(bytes);
    await contents.take(sha256, { offset: 0, of: bytes.length }, bytes);
    const path = join(home.root, 'contents', sha256);
    const output = { nodeId: '9', n: 0, filename: 'fox.png', subfolder: '', type: 'output' as const };
    const outputs = [{ ...output, path, bytes: bytes.length, sha256 }];
    await store.create(batchFacts({ owner: 'p9', pool: 'art' }), [jobFacts({ outputs, owner: 'p9' })]);
    await store.update('k3f9xw', ({ facts }) => jobRecord(facts, 'done'));

    const whole = await ask('GET', '/v1/files/k3f9xw/0', member);
    expect([whole.status, whole.headers.get('etag')]).toEqual([200, `"${sha256}"`]);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const rest = await ask('GET', '/v1/files/k3f9xw/0', member, undefined, { range: 'bytes=990-' });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 990-999/1000']);
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(990))).toBe(true);
    expect((await ask('GET', '/v1/files/k3f9xw/0', member, undefined, { range: 'bytes=1000-' })).status).toBe(
      416,
    );
    for (const other of ['/v1/files/k3f9xw/1', '/v1/files/k3f9xw/..', '/v1/files/people/0'])
      expect((await ask('GET', other, member)).status).toBe(404);

    const told = JSON.stringify(await (await ask('GET', '/v1/jobs', member)).json());
    expect(told).not.toContain(home.root);
    expect(JSON.parse(told).jobs[0].facts.outputs[0].path).toBe('v1/files/k3f9xw/0');
  });
});

describe('a submission', () => {
  const owner = 'ann';
  const put = async (contents: Contents, text: string) => {
    const bytes = Buffer.from(text);
    const sha256 = sha256Of(bytes);
    await contents.take(sha256, { offset: 0, of: bytes.length }, bytes);
    return sha256;
  };
  const manifestOf = (prompt: string, more: object = {}) => ({
    name: 'fox',
    onError: 'stop',
    maxCost: null,
    nameTemplate: '{job}-{n}.{ext}',
    withPreviews: false,
    titles: {},
    jobs: [{ name: 'fox', prompt, workflow: null, changes: [], seeds: {}, inputs: [] }],
    ...more,
  });

  it('makes one batch, however often and however much at once it is asked', async () => {
    const { store, contents, submissions } = await world();
    const manifest = await put(contents, JSON.stringify(manifestOf(await put(contents, '{"1":{}}'))));
    const asked = { submission: crypto.randomUUID(), manifest, pool: 'art', priority: 3, owner };
    const batches = await Promise.all([1, 2, 3].map(() => submissions.accept(asked)));
    expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(1);
    expect(batches[0]).toMatchObject({ owner, pool: 'art', priority: 3, count: 1 });
    expect(await store.batchIds()).toHaveLength(1);
    const another = await submissions.accept({ ...asked, submission: crypto.randomUUID() });
    expect(another.batchId).not.toBe(batches[0]?.batchId);
  });

  it('goes on after one that was cut off between its job and its batch', async () => {
    const { store, contents, submissions, home } = await world();
    const manifest = await put(contents, JSON.stringify(manifestOf(await put(contents, '{"1":{}}'))));
    const asked = { submission: crypto.randomUUID(), manifest, pool: 'art', priority: 0, owner };
    const { batchId } = await submissions.accept(asked);
    const { rmSync } = await import('node:fs');
    rmSync(join(home.jobs, 'batches', `${batchId}.json`));
    expect((await submissions.accept(asked)).batchId).toBe(batchId);
    expect(await store.get(batchId)).toBeDefined();
  });

  it.each([
    ['a template that leads nowhere', { nameTemplate: '{nothing}' }, 'nameTemplateInvalid'],
    ['no jobs', { jobs: [] }, 'usage'],
    ['more than there is', { extra: 1 }, 'usage'],
    [
      'a prompt that was not sent',
      { jobs: [{ name: 'x', prompt: 'b'.repeat(64), workflow: null, changes: [], seeds: {}, inputs: [] }] },
      'usage',
    ],
  ])('with %s is refused, and nothing is kept', async (_, more, code) => {
    const { store, contents, submissions } = await world();
    const manifest = await put(contents, JSON.stringify(manifestOf(await put(contents, '{"1":{}}'), more)));
    const asked = { submission: crypto.randomUUID(), manifest, pool: 'art', priority: 0, owner };
    await expect(submissions.accept(asked)).rejects.toMatchObject({ code });
    expect(await store.batchIds()).toEqual([]);
    expect(await store.jobIds()).toEqual([]);
  });
});
