import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasEnded, type JobRecord, jobState, newJobId } from '../../src/store/job-record.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { tempHome } from '../support/temp-home.ts';

const many = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    jobFacts({ jobId: newJobId(), batchId: 'batch2', index, name: `n${index}` }),
  );
const idsOf = async (records: AsyncIterable<JobRecord>) => {
  const ids: string[] = [];
  for await (const { facts } of records) ids.push(facts.jobId);
  return ids;
};

describe('a batch', () => {
  it('comes back with its jobs in their order, from files of this user only', async () => {
    const home = tempHome();
    const jobs = many(40);
    await new JobStore(home).create(batchFacts({ batchId: 'batch2', count: 40 }), jobs.toReversed());
    const store = new JobStore(home);
    expect(await store.batch('batch2')).toEqual(batchFacts({ batchId: 'batch2', count: 40 }));
    expect(await idsOf(store.ofBatch('batch2'))).toEqual(jobs.map(({ jobId }) => jobId));
    expect((await idsOf(store.all())).toSorted()).toEqual(jobs.map(({ jobId }) => jobId).toSorted());
    expect((await stat(join(home.jobs, `${jobs[0]?.jobId}.json`))).mode & 0o777).toBe(0o600);
    expect((await readdir(home.jobs)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('that was not wholly written is not there, nor is any of its jobs', async () => {
    const home = tempHome();
    const store = new JobStore(home);
    await store.create(batchFacts({ batchId: 'batch2' }), many(40));
    // As after a kill before this was written.
    rmSync(join(home.jobs, 'batches', 'batch2.json'));
    const [written = ''] = readdirSync(home.jobs).filter((name) => name.endsWith('.json'));
    expect(written).not.toBe('');
    expect(await store.get(written.replace('.json', ''))).toBeUndefined();
    expect(await store.batches()).toEqual([]);
    expect(await idsOf(store.all())).toEqual([]);
  });

  it('does not take the name of a job there is', async () => {
    const store = new JobStore(tempHome());
    await store.create(batchFacts(), [jobFacts({ name: 'first' })]);
    const second = store.create(batchFacts({ batchId: 'batch2' }), [jobFacts({ name: 'second' })]);
    await expect(second).rejects.toThrow('EEXIST');
    expect((await store.get('k3f9xw'))?.facts.name).toBe('first');
  });

  it('goes with its last job', async () => {
    const store = new JobStore(tempHome());
    const [one, two] = many(2) as [ReturnType<typeof jobFacts>, ReturnType<typeof jobFacts>];
    await store.create(batchFacts({ batchId: 'batch2' }), [one, two]);
    await store.remove(one.jobId);
    expect(await idsOf(store.ofBatch('batch2'))).toEqual([two.jobId]);
    await store.remove(two.jobId);
    expect(await store.batches()).toEqual([]);
  });

  it('is changed by two at once without losing a change', async () => {
    const home = tempHome();
    await new JobStore(home).create(batchFacts(), [jobFacts()]);
    const change = (podId: string) =>
      new JobStore(home).updateBatch('k3f9xw', (facts) => ({ ...facts, podIds: [...facts.podIds, podId] }));
    await Promise.all(['a', 'b', 'c', 'd'].map(change));
    expect((await new JobStore(home).batch('k3f9xw'))?.podIds.toSorted()).toEqual(['a', 'b', 'c', 'd', 'p1']);
  });
});

describe('a job', () => {
  it('keeps every change that is made at the same time', async () => {
    const home = tempHome();
    await new JobStore(home).create(batchFacts(), [jobFacts()]);
    const add = (word: string) =>
      new JobStore(home).update('k3f9xw', (record) => ({
        ...record,
        facts: { ...record.facts, changes: [...record.facts.changes, word] },
      }));
    await Promise.all(Array.from({ length: 12 }, (_, n) => add(`${n}=1`)));
    expect((await new JobStore(home).get('k3f9xw'))?.facts.changes).toHaveLength(12);
  });

  it('waits for a pod until it is driven, and is not asked for anything once it has ended', async () => {
    const store = new JobStore(tempHome());
    await store.create(batchFacts(), [jobFacts()]);
    const get = async () => (await store.get('k3f9xw')) as JobRecord;
    expect([jobState(await get()), hasEnded(await get())]).toEqual(['waitingForPod', false]);
    await store.update('k3f9xw', (record) => ({ ...record, snapshot: { value: 'done' } }));
    await store.ask('k3f9xw', 'cancel');
    expect([hasEnded(await get()), (await get()).facts.asked]).toEqual([true, null]);
  });

  it('whose file is unreadable is set aside with its name told, and no other with it (I11)', async () => {
    const home = tempHome();
    const jobs = many(3);
    await new JobStore(home).create(batchFacts({ batchId: 'batch2' }), jobs);
    const asides: string[] = [];
    const store = new JobStore(home, (_from, to) => asides.push(to));
    writeFileSync(join(home.jobs, `${jobs[1]?.jobId}.json`), '{"schema":1,"mach');
    expect(await idsOf(store.ofBatch('batch2'))).toEqual([jobs[0]?.jobId, jobs[2]?.jobId]);
    expect(asides.map((path) => existsSync(path))).toEqual([true]);
  });

  it('of a later autopod is refused by name and left as it is (I14)', async () => {
    const home = tempHome();
    const store = new JobStore(home);
    await store.create(batchFacts(), [jobFacts()]);
    await store.update('k3f9xw', (record) => ({ ...record, machine: 'job@2' }));
    await expect(store.get('k3f9xw')).rejects.toMatchObject({ code: 'stateNewer' });
    await expect(store.update('k3f9xw', (record) => record)).rejects.toMatchObject({ code: 'stateNewer' });
  });
});

describe('a text', () => {
  it('is kept once under its SHA-256, and found damaged when it is not what it was', async () => {
    const home = tempHome();
    const store = new JobStore(home);
    const [one, other] = await Promise.all([store.putContent('{"1":{}}'), store.putContent('{"1":{}}')]);
    expect(one).toBe(other);
    expect(await store.content(one)).toBe('{"1":{}}');
    writeFileSync(join(home.jobs, 'prompts', `${one}.json`), '{"1":');
    await expect(store.content(one)).rejects.toMatchObject({ code: 'stateDamaged' });
  });
});

it('ids are six characters that are not taken for each other', () => {
  const ids = Array.from({ length: 500 }, newJobId);
  expect(new Set(ids).size).toBe(500);
  expect(ids.filter((id) => !/^[a-hjkmnp-z2-9]{6}$/.test(id))).toEqual([]);
});

it('of a batch that could not be written nothing is left, and nobody hears of it', async () => {
  const home = tempHome();
  const store = new JobStore(home);
  const jobs = (batchId: string, ...ids: string[]) =>
    ids.map((jobId, index) => jobFacts({ jobId, batchId, index }));
  await store.create(batchFacts({ batchId: 'batcha', count: 1 }), jobs('batcha', 'jabaaa'));
  const heard: string[] = [];
  store.onChange = (jobId) => heard.push(jobId);
  // Its last name is another’s.
  const taken = jobs('batchb', 'jabbbb', 'jabccc', 'jabaaa');
  await expect(store.create(batchFacts({ batchId: 'batchb', count: 3 }), taken)).rejects.toThrow('EEXIST');
  expect([await store.jobIds(), heard]).toEqual([['jabaaa'], []]);
  expect((await store.get('jabaaa'))?.facts.batchId).toBe('batcha');
  expect(readdirSync(home.jobs).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  await store.create(batchFacts({ batchId: 'batchb', count: 2 }), jobs('batchb', 'jabbbb', 'jabccc'));
  expect(heard.toSorted()).toEqual(['jabbbb', 'jabccc']);
});
