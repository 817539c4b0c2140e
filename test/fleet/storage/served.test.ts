import { describe, expect, it, onTestFinished } from 'vitest';
import { BOUNDS, listen } from '../../../src/fleet/gateway/http.ts';
import { JobVerbs } from '../../../src/fleet/gateway/job-verbs.ts';
import { answer } from '../../../src/fleet/gateway/routes.ts';
import { JobBook } from '../../../src/fleet/jobs/book.ts';
import { People } from '../../../src/fleet/people/people.ts';
import { type KeptFiles, keptFiles, SIGNAL } from './kept-files.ts';
import { startS3 } from './support.ts';

/** A gateway before files of jobs, and somebody who may have them. */
async function gateway({ home, store, settings, buckets, log }: KeptFiles) {
  const people = new People(home);
  const none = {} as never;
  const jobs = new JobVerbs({
    places: none,
    pools: none,
    submissions: none,
    jobs: { store, progress: new Map() } as never,
    book: new JobBook(store),
    elsewhere: { settings, buckets, log: (line) => log.push(line) },
  });
  const context = {
    people,
    verbs: none,
    seen: none,
    views: none,
    pools: none,
    contents: none,
    costs: none,
    jobs,
  };
  const logged = { log: (line: string) => log.push(line) };
  const served = await listen(
    { host: '127.0.0.1', port: 0 },
    (asked) => answer({ ...context, ...logged }, asked),
    {
      ...logged,
      bounds: BOUNDS,
    },
  );
  onTestFinished(() => served.close());
  const { token } = await people.login(await people.invite({ name: 'ann', role: 'member' }), null);
  return (path: string, headers: Record<string, string> = {}) =>
    fetch(`${served.url}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
}

/** A gateway before a job whose files, of so many bytes, have gone to a bucket. */
async function inBucket(sizes: number[]) {
  const s3 = await startS3();
  const kept = keptFiles();
  await kept.useBucket(s3);
  const files = await kept.job('k3f9xw', sizes);
  const ask = await gateway(kept);
  const before = await ask('/v1/files/k3f9xw/0');
  expect(await kept.mover().move(SIGNAL)).toBeNull();
  return { s3, kept, files, before, ask };
}

describe('a file that lies in a bucket', () => {
  it('is given to members as from the disk, whole and from a byte on, and tells nothing of the bucket', async () => {
    const {
      s3,
      kept,
      files: [file],
      before,
      ask,
    } = await inBucket([300_000, 0]);
    const whole = await ask('/v1/files/k3f9xw/0');
    for (const header of ['etag', 'content-length', 'accept-ranges', 'content-type'])
      expect([header, whole.headers.get(header)]).toEqual([header, before.headers.get(header)]);
    expect(Buffer.from(await whole.arrayBuffer()).equals(file?.content as Buffer)).toBe(true);
    const rest = await ask('/v1/files/k3f9xw/0', { range: 'bytes=299990-' });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 299990-299999/300000']);
    expect(Buffer.from(await rest.arrayBuffer()).equals(file?.content.subarray(299_990) as Buffer)).toBe(
      true,
    );
    expect((await ask('/v1/files/k3f9xw/0', { range: 'bytes=300000-' })).status).toBe(416);
    const empty = await ask('/v1/files/k3f9xw/1');
    expect([empty.status, (await empty.arrayBuffer()).byteLength]).toEqual([200, 0]);
    const told = JSON.stringify([
      await (await ask('/v1/jobs/k3f9xw')).json(),
      ...[...whole.headers, ...rest.headers],
    ]);
    for (const secret of [s3.account.accessKeyId, s3.account.secretAccessKey, s3.url, 's3-1', kept.home.root])
      expect(told).not.toContain(secret);
  });

  it('is cut off where the bucket cuts it off, so that whoever brings it goes on from there', async () => {
    const { s3, ask } = await inBucket([300_000]);
    s3.faults = [{ operation: 'GetObject', kind: 'cut', times: 1 }];
    await expect((await ask('/v1/files/k3f9xw/0')).arrayBuffer()).rejects.toThrow();
    expect((await (await ask('/v1/files/k3f9xw/0')).arrayBuffer()).byteLength).toBe(300_000);
  });

  it.each([
    ['refuses', 'denied', 'storageRefused'],
    ['does not answer', 'slowDown', 'storageUnreachable'],
  ] as const)(
    'is told as what it is where the bucket %s, and why only the log knows',
    async (_, kind, code) => {
      const { s3, kept, ask } = await inBucket([10]);
      s3.faults = [{ operation: 'GetObject', kind }];
      const answered = await ask('/v1/files/k3f9xw/0');
      expect([answered.status, await answered.json()]).toEqual([409, { error: { code, detail: {} } }]);
      expect(kept.log.join()).toContain('studio');
      expect(kept.log.join()).not.toContain(s3.account.secretAccessKey);
    },
  );

  it('that is there no more is told as gone, and so is one of a bucket that nobody knows', async () => {
    const { s3, kept, ask } = await inBucket([10]);
    s3.bucket().objects.clear();
    expect((await ask('/v1/files/k3f9xw/0')).status).toBe(404);
    await kept.set({ buckets: [], current: null });
    expect((await ask('/v1/files/k3f9xw/0')).status).toBe(404);
  });
});

describe('a file', () => {
  it('that was removed is told as filesCleaned, with when', async () => {
    const kept = keptFiles();
    await kept.job('k3f9xw', [10], { endedAt: 1 });
    const ask = await gateway(kept);
    await kept.cleaner().clean(SIGNAL);
    const answered = await ask('/v1/files/k3f9xw/0');
    expect([answered.status, await answered.json()]).toMatchObject([
      410,
      { error: { code: 'filesCleaned', detail: { job: 'k3f9xw', at: expect.stringContaining('T') } } },
    ]);
    const { job } = (await (await ask('/v1/jobs/k3f9xw')).json()) as {
      job: { facts: { cleanedAt: number; outputs: { path: null }[] } };
    };
    expect(job.facts.outputs).toMatchObject([{ path: null }]);
    expect(job.facts.cleanedAt).toBeGreaterThan(0);
  });
});
