import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobState } from '../../src/store/job-record.ts';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import type { TestFleet } from './support/fleet.ts';
import { making, outOf, poolOf, startJobsFleet, storeOf, timesMade } from './support/jobs-fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';

describe.skipIf(!isWholeAsked)('a fleet that cannot write a record', () => {
  let fleet: TestFleet;
  let ann: Laptop;

  beforeAll(async () => {
    fleet = await startJobsFleet();
    ann = await laptopOf(fleet, 'ann');
    await poolOf(ann, 'art', '--idle', '60s');
  }, 60_000);
  afterAll(() => fleet.end());

  const status = async () => JSON.parse((await fleet.autopod(['serve', 'status', '--json'])).stdout);
  /** Something else stands in the place of a file, which nobody can write to then, whoever they are. */
  const inTheWay = (path: string) => {
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    return () => {
      rmdirSync(path);
      renameSync(`${path}.aside`, path);
    };
  };

  it('tells what waits and why, and goes on with the job by itself once it can, once', async () => {
    const workflow = making(ann.home, 'kept', { seconds: 3 });
    const run = await ann.autopod('run', workflow, '--detach', '--json');
    const { batchId } = JSON.parse(run.stdout);
    const state = async () => {
      const record = await storeOf(fleet).get(batchId);
      return record && jobState(record);
    };
    await until('it runs', async () => (await state()) === 'running', 60_000);
    const clear = inTheWay(fleet.file('queue', `${batchId}.json`));
    const { engine } = await until(
      'it is told',
      async () => {
        const told = await status();
        return told.engine.stuck > 0 ? told : undefined;
      },
      30_000,
    );
    expect(engine.steps).toMatchObject([{ object: 'job', key: batchId }]);
    expect(engine.steps[0].reason).toMatch(/cannot be kept: .*EISDIR/);
    expect((await fleet.autopod(['serve', 'status'])).stderr).toContain(`job ${batchId}: `);
    clear();
    const waited = await ann.autopod('jobs', 'wait', batchId, '--timeout', '60s');
    expect([waited.code, waited.stderr]).toEqual([0, expect.stringContaining('1 file')]);
    expect(timesMade(fleet, 'kept')).toBe(1);
    await until('nothing waits', async () => (await status()).engine.stuck === 0);
    const fetched = await ann.autopod('jobs', 'fetch', batchId, '--out', outOf(ann));
    expect(fetched, fetched.stderr).toMatchObject({ code: 0 });
  });
});
