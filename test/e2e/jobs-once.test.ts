import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { batchAt, comfyOf, expectOneSet, podsReady, startJobsWorld, timesMade } from '../support/jobs.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import type { TestWorld } from '../support/world.ts';

vi.setConfig({ testTimeout: 120_000 });

let world: TestWorld;
afterEach(() => world.end());

const begin = async () => {
  world = await startJobsWorld();
  const [podId = ''] = await podsReady(world, 1);
  return podId;
};
const journal = () =>
  readFileSync(join(world.home, 'journal.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"job@1"'))
    .map(
      (line) => JSON.parse(line) as { id: string; from: string; to: string; event: string; reason?: string },
    );

describe('a job is run once, and its files come once', () => {
  it('from disk to its files, with what it cost and every state in the journal', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 1, { seconds: 0.5, files: 3 });
    await batch.heed();
    await batch.ended();
    expect(await batch.states()).toEqual(['done']);
    const [facts] = await batch.facts();
    expect(facts).toMatchObject({ failure: null, podId, ranOn: { podId, comfyui: '0.33.0' } });
    expect(facts?.submissions).toHaveLength(1);
    expect(facts?.ranMs).toBeGreaterThanOrEqual(450);
    expect(facts?.usd).toBeGreaterThan(0);
    await expectOneSet(batch, 3);
    expect(timesMade(world, [podId], batch.jobIds)).toEqual([3]);
    await until('the journal has its end', () => journal().at(-1)?.to === 'done');
    const told = journal().map(({ to }) => to);
    expect(told.filter((to) => to !== 'running' && to !== 'queued')).toEqual([
      'reconciling',
      'preparing',
      'uploading',
      'submitting',
      'downloading',
      'done',
    ]);
    await until(
      'the keeper has no batch any more',
      async () => !(await batch.keeper.batchView(batch.batchId)),
    );
  });

  it('when the answer to its prompt is lost, or the prompt never arrives', async () => {
    const podId = await begin();
    comfyOf(world, podId).faults.lostAnswers = 1;
    const lost = await batchAt(world, [podId], 1, { seconds: 0.2 });
    await lost.heed();
    await lost.ended();
    comfyOf(world, podId).faults.droppedPrompts = 2;
    const dropped = await batchAt(world, [podId], 1, { seconds: 0.2 });
    await dropped.heed();
    await dropped.ended();
    const jobIds = [...lost.jobIds, ...dropped.jobIds];
    expect(timesMade(world, [podId], jobIds)).toEqual([1, 1]);
    await expectOneSet(lost);
    await expectOneSet(dropped);
  });

  it('when the keeper is killed again and again', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 6, { seconds: 0.4 });
    await batch.heed();
    for (let n = 0; n < 4; n++) {
      await until('a keeper', () => world.keeperPids().length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300 + n * 150));
      signal(world.keeperPids(), 'SIGKILL');
    }
    await batch.ended();
    expect(timesMade(world, [podId], batch.jobIds)).toEqual(batch.jobIds.map(() => 1));
    await expectOneSet(batch);
  });

  it('when ComfyUI restarts while it has it: it is submitted again, and told so', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 3, { seconds: 1 });
    await batch.heed();
    await until('it runs', async () => (await batch.states())[0] === 'running');
    comfyOf(world, podId).stop();
    comfyOf(world, podId).start();
    await batch.ended();
    expect(await batch.states()).toEqual(['done', 'done', 'done']);
    await expectOneSet(batch);
    expect(timesMade(world, [podId], batch.jobIds)).toEqual([1, 1, 1]);
    const [first] = await batch.facts();
    expect(new Set(first?.submissions.map(({ promptId }) => promptId)).size).toBe(2);
    expect(journal().some(({ reason }) => reason?.includes('submitted again'))).toBe(true);
    expect((await world.autopod(['history'])).stdout).toContain('submitted again');
  });

  it('when its pod is stopped and started: it waits, and no other pod is needed', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 2, { seconds: 4 });
    await batch.heed();
    await until('it runs', async () => (await batch.states())[0] === 'running');
    expect((await world.autopod(['stop', podId])).code).toBe(0);
    await until('it waits', async () => (await batch.states()).every((state) => state === 'waitingForPod'));
    expect((await world.autopod(['start', podId])).code).toBe(0);
    await batch.ended();
    await expectOneSet(batch);
    expect(timesMade(world, [podId], batch.jobIds)).toEqual([1, 1]);
  });
});

describe('a job', () => {
  it('that is taken back leaves the queue, or is interrupted where it runs; one that waits is never sent', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 4, { seconds: 30 });
    await batch.heed();
    await until('two are at ComfyUI', async () => comfyOf(world, podId).queue.remaining === 2);
    for (const id of batch.jobIds.toReversed()) await batch.store.ask(id, 'cancel');
    await batch.heed();
    await batch.ended(15_000);
    expect(await batch.states()).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled']);
    expect(comfyOf(world, podId).queue.remaining).toBe(0);
    expect((await batch.facts()).map(({ submissions }) => submissions.length)).toEqual([1, 1, 0, 0]);
  });

  it('that somebody interrupts in the browser is told as such', async () => {
    const podId = await begin();
    const batch = await batchAt(world, [podId], 1, { seconds: 30 });
    await batch.heed();
    await until('it runs', async () => (await batch.states())[0] === 'running');
    const [tunnel] = await batch.keeper.seen();
    await fetch(`http://127.0.0.1:${tunnel?.localPort}/interrupt`, { method: 'POST' });
    await batch.ended();
    expect((await batch.facts())[0]?.failure?.code).toBe('promptInterrupted');
  });

  it('that is taken back interrupts nobody else', async () => {
    const podId = await begin();
    comfyOf(world, podId).queue.submit(
      { '1': { class_type: 'PreviewImage', inputs: {} } },
      { isEndless: true },
    );
    const batch = await batchAt(world, [podId], 1);
    await batch.heed();
    await until('it waits its turn', async () => (await batch.states())[0] === 'queued');
    await until('its place is told', async () => {
      const view = await batch.keeper.jobView(batch.jobIds[0] ?? '');
      return view?.state === 'queued' && view.progress?.place === 1;
    });
    await batch.store.ask(batch.jobIds[0] ?? '', 'cancel');
    await batch.heed();
    await batch.ended(15_000);
    expect([await batch.states(), comfyOf(world, podId).queue.remaining]).toEqual([['cancelled'], 1]);
  });
});
