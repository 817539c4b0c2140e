import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  afterwards,
  type Batch,
  batchAt,
  comfyOf,
  expectOneSet,
  podsReady,
  startJobsWorld,
  timesMade,
} from '../support/jobs.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import type { TestWorld } from '../support/world.ts';

vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
afterEach(() => world.end());

const begin = async (pods: number) => {
  world = await startJobsWorld();
  return podsReady(world, pods);
};
const control = (podId: string, action: string) =>
  fetch(`${world.simulator.controlUrl}/pods/${podId}/${action}`, { method: 'POST' });
const done = async (batch: Batch) => (await batch.states()).filter((state) => state === 'done').length;

describe('a batch over pods', () => {
  it('keeps the queue of each filled, and every pod takes its share', async () => {
    const podIds = await begin(2);
    const batch = await batchAt(world, podIds, 8, { seconds: 1 });
    await batch.heed();
    const most = { atOnce: 0 };
    await until('all are done', async () => {
      for (const podId of podIds) most.atOnce = Math.max(most.atOnce, comfyOf(world, podId).queue.remaining);
      return (await done(batch)) === 8;
    });
    expect(most.atOnce).toBeGreaterThanOrEqual(2);
    await expectOneSet(batch);
    for (const podId of podIds) {
      const own = (await batch.facts()).filter(({ ranOn }) => ranOn?.podId === podId);
      expect(own.length).toBeGreaterThanOrEqual(3);
    }
  });

  it('gives the jobs of a pod that dies to the other one, and nothing is made twice', async () => {
    const podIds = await begin(2);
    const [dying = '', other = ''] = podIds;
    const batch = await batchAt(world, podIds, 8, { seconds: 0.8 });
    await batch.heed();
    await until('some are done', async () => (await done(batch)) >= 2);
    await control(dying, 'terminate');
    await batch.ended();
    expect(await done(batch)).toBe(8);
    await expectOneSet(batch);
    const facts = await batch.facts();
    expect(facts.some(({ ranOn }) => ranOn?.podId === other)).toBe(true);
    const twice = facts.filter(({ submissions }) => submissions.length > 1);
    for (const { submissions } of twice)
      expect(submissions.map(({ podId }) => podId)).toEqual([dying, other]);
    expect(timesMade(world, [other], batch.jobIds).filter((times) => times > 1)).toEqual([]);
  });

  it('whose only pod is gone says so', async () => {
    const podIds = await begin(1);
    const batch = await batchAt(world, podIds, 3, { seconds: 20 });
    await batch.heed();
    await until('it runs', async () => (await batch.states())[0] === 'running');
    await control(podIds[0] ?? '', 'terminate');
    await batch.ended();
    expect((await batch.facts()).map(({ failure }) => failure?.code)).toEqual(Array(3).fill('podGone'));
  });
});

describe('a batch', () => {
  it('opens the tunnel that a pod of it does not have, and closes it when it has ended', async () => {
    const [podId = ''] = await begin(1);
    await world.autopod(['tunnel', '--stop', podId]);
    const batch = await batchAt(world, [podId], 2);
    await batch.heed();
    await batch.ended();
    await expectOneSet(batch);
    await until('no tunnel is left', async () => (await batch.keeper.seen()).length === 0);
  });

  it('tells how it stands, what it has cost and that a deadline comes before its end', async () => {
    const [podId = ''] = await begin(1);
    await world.autopod(['tunnel', '--stop-after', '60s']);
    const batch = await batchAt(world, [podId], 400, { seconds: 0.4 });
    await batch.heed();
    await until('one is done', async () => (await done(batch)) >= 1);
    const view = await batch.keeper.batchView(batch.batchId);
    expect(view?.counts.waitingForPod).toBeGreaterThan(390);
    expect(view?.spentUsd).toBeGreaterThan(0);
    expect(view?.deadline).toMatchObject({ podId });
  });

  it('stops after a failure where that is asked for, and goes on otherwise', async () => {
    const [podId = ''] = await begin(1);
    const prompt = (index: number, jobId: string) => ({
      ...(index === 0 && {
        '1': { class_type: 'SimFail', inputs: { message: 'no such thing', seconds: 0.3 } },
      }),
      ...(index > 0 && {
        '9': {
          class_type: 'SimOutput',
          inputs: { bytes: 900, count: 1, seconds: 0.3, ext: 'png', filename_prefix: jobId, seed: index },
        },
      }),
    });
    const going = await batchAt(world, [podId], 3, { prompt });
    await going.heed();
    await going.ended();
    expect(await going.states()).toEqual(['failed', 'done', 'done']);
    expect((await going.facts())[0]?.failure?.code).toBe('promptFailed');
    const stopping = await batchAt(world, [podId], 6, { prompt, batch: { onError: 'stop' } });
    await stopping.heed();
    await stopping.ended();
    const states = await stopping.states();
    expect([states[0], states.slice(2)]).toEqual(['failed', Array(4).fill('cancelled')]);
    expect((await stopping.facts())[5]?.failure?.code).toBe('jobNotRun');
  });

  it('submits nothing more once it has cost as much as it may', async () => {
    const [podId = ''] = await begin(1);
    const batch = await batchAt(world, [podId], 12, { seconds: 0.5, batch: { maxCost: 0.0001 } });
    await batch.heed();
    await batch.ended();
    const states = await batch.states();
    expect(states[0]).toBe('done');
    expect(states.at(-1)).toBe('cancelled');
    expect((await batch.facts()).at(-1)?.failure?.detail.reason).toBe('maxCost');
  });
});

describe('a pod that was rented for a batch', () => {
  it('is ended as soon as nothing is left for it, also when the keeper is killed meanwhile', async () => {
    const podIds = await begin(2);
    const [mine = '', kept = ''] = podIds;
    const batch = await batchAt(world, podIds, 4, { seconds: 0.5, batch: afterwards('kill', [mine]) });
    await batch.heed();
    await until('some are done', async () => (await done(batch)) >= 1);
    signal(world.keeperPids(), 'SIGKILL');
    await batch.ended();
    await until('it is gone', async () => (await world.podIds()).join() === kept);
    await expectOneSet(batch);
    await until('its record, too', async () => {
      const { stdout } = await world.autopod(['ls', '--json']);
      return !stdout.includes(mine) && stdout.includes(kept);
    });
    expect((await world.autopod(['history', mine])).stdout).toContain('nothing was left for it');
  });

  it('is stopped when that is what was asked for, and only after its files are here', async () => {
    const podIds = await begin(1);
    const batch = await batchAt(world, podIds, 2, {
      bytes: 3_000_000,
      files: 2,
      batch: afterwards('stop', podIds),
    });
    comfyOf(world, podIds[0] ?? '').faults.view = {
      delayMs: 300,
      bytesPerSecond: 4_000_000,
      cutAfterBytes: null,
      times: null,
    };
    await batch.heed();
    await until('it is stopped', async () => (await world.pods())[0]?.status === 'EXITED');
    expect(await batch.states()).toEqual(['done', 'done']);
    await expectOneSet(batch, 2);
    expect(readdirSync(batch.out).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
