import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import type { Look } from '../../src/inspector/watch.ts';
import { Journal } from '../../src/store/journal.ts';
import { until } from '../support/until.ts';
import { looks } from './support/looks.ts';
import { podRecord, SECRET, startScene } from './support/scene.ts';

describe('what is told', () => {
  const entry = {
    at: '2026-01-02T03:04:05.000Z',
    machine: 'pod@1',
    id: 'launch-1',
    event: 'begun',
    from: 'saved',
  };

  it('first everything, then what is new', async () => {
    const { home, inspector } = await startScene();
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'reconciling' });
    const seen = looks(inspector.url);
    await until('the first look', () => seen.length > 0);
    expect(seen[0]).toMatchObject({ isWhole: true, entries: [{ to: 'reconciling' }] });
    await journal.append({ ...entry, to: 'creating.placing' });
    await until('the second entry', () =>
      seen.some(({ entries, isWhole }) => !isWhole && entries.length === 1),
    );
    expect(seen.at(-1)?.subjects).toMatchObject([
      { id: 'pod/launch-1', state: 'creating.placing', isPast: true, facts: {} },
    ]);
  });

  it('everything again when the journal is rotated, and nothing of it is lost', async () => {
    const { home, inspector } = await startScene();
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'reconciling', reason: 'x'.repeat(2 * 1024 * 1024) });
    const seen = looks(inspector.url);
    await until('the first look', () => seen.length > 0);
    await journal.append({ ...entry, to: 'booting' });
    await until('the look after it', () => seen.length > 1);
    expect(seen[1]?.isWhole).toBe(true);
    expect(seen[1]?.entries.map(({ to }) => to)).toEqual(['reconciling', 'booting']);
    await journal.append({ ...entry, to: 'ready' });
    await until('the next entry', () => seen.length > 2);
    expect(seen[2]).toMatchObject({ isWhole: false, entries: [{ to: 'ready' }] });
  });

  it('after a pause in which nobody listened, what is true now', async () => {
    const scene = await startScene();
    const { home, inspector } = scene;
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'booting' });
    const before = looks(inspector.url);
    await until('a look', () => before.length > 0);
    before.end();
    await until('nobody looks any more', async () => {
      const count = scene.looked;
      await sleep(400);
      return scene.looked === count;
    });
    await journal.append({ ...entry, to: 'ready' });
    const after = looks(inspector.url);
    await until('a look', () => after.length > 0);
    expect(after[0]).toMatchObject({ isWhole: true, subjects: [{ state: 'ready' }] });
    expect(after[0]?.entries.map(({ to }) => to)).toEqual(['booting', 'ready']);
  });

  it('a record and its failure, with what what to do, and never a secret', async () => {
    const { home, inspector, pods } = await startScene();
    pods['launch-1'] = {
      schema: 1,
      machine: 'pod@1',
      facts: {
        podId: 'pod1',
        wish: { name: 'mine', env: { HF_TOKEN: 'hf_1' }, image: `https://me:pw@registry/${SECRET}` },
        keyPath: '/home/me/.ssh/id',
        apiKey: 'rpa_1',
        publicKey: 'x',
        failure: {
          code: 'apiUnavailable',
          detail: { detail: `Bearer ${SECRET} PUBLIC_KEY=ssh-ed25519 AAAAC3Nz me` },
        },
      },
      snapshot: { value: { creating: 'placing' } },
      savedAt: '2026-01-02T03:04:05.000Z',
    };
    await new Journal(home.journal).append({
      ...entry,
      id: 'x',
      to: 'failed',
      reason: `apiKeyRefused: ${SECRET}`,
    });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]?.subjects[0]).toMatchObject({
      title: 'mine',
      state: 'creating.placing',
      failure: { code: 'apiUnavailable', words: { what: 'what apiUnavailable' } },
      facts: { keyPath: '/home/me/.ssh/id' },
    });
    expect(seen[0]?.subjects[1]?.failure).toEqual({
      code: 'apiKeyRefused',
      words: { what: 'It failed: apiKeyRefused: [redacted]' },
    });
    for (const secret of [SECRET, 'hf_1', 'rpa_1', 'me:pw', 'AAAAC3Nz', '"x"]'])
      expect(JSON.stringify(seen), secret).not.toContain(secret);
  });

  it('what cannot be read is a notice, and the rest is still told', async () => {
    const scene = await startScene();
    const { home, inspector } = scene;
    scene.trouble = new AutopodError('stateNewer', {});
    await new Journal(home.journal).append({ ...entry, to: 'ready' });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]).toMatchObject({
      notices: [{ what: 'what stateNewer' }],
      subjects: [{ state: 'ready' }],
    });
  });

  it('each entry once, also to who comes while it looks', async () => {
    const scene = await startScene();
    const early: Look[] = [];
    const late: Look[] = [];
    scene.watch.listen((look) => early.push(look));
    await until('the first look', () => early.length);
    // Between two looks.
    scene.whileLooking = () => {
      scene.whileLooking = () => undefined;
      scene.watch.listen((look) => late.push(look));
    };
    writeFileSync(scene.home.journal, `\n${JSON.stringify({ ...entry, to: 'ready' })}`);
    const states = (seen: Look[]) => seen.flatMap(({ entries }) => entries.map(({ to }) => to));
    await until('it is told', () => states(early).length > 0);
    expect([states(early), states(late)]).toEqual([['ready'], ['ready']]);
  });

  it('when a look fails, what was seen last stays, and no entry is lost', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a') };
    const seen = looks(scene.inspector.url);
    await until('the first look', () => seen.length > 0);
    await new Journal(scene.home.journal).append({ ...entry, to: 'booting' });
    scene.whileLooking = () => {
      throw new AutopodError('stateDamaged', {});
    };
    await until('the failure is told', () => seen.at(-1)?.notices.length);
    expect(seen.at(-1)?.subjects[0]?.id).toBe('pod/a');
    await scene.tell('pod@1', 'a', ['booting', 'awaitBoot.done', 'ready']);
    scene.whileLooking = () => undefined;
    await until('it looks again', () => seen.at(-1)?.notices.length === 0);
    expect(seen.flatMap(({ entries }) => entries.map(({ to }) => to)).toSorted()).toEqual([
      'booting',
      'ready',
    ]);
  });

  it('of 100 000 entries the latest 5 000, for little more than reading them costs', async () => {
    const { home, watch } = await startScene();
    const line = JSON.stringify({ ...entry, to: 'ready', reason: 'sshUnreachable: connection refused' });
    writeFileSync(home.journal, `\n${line}`.repeat(100_000));
    const reading = await cpuMsOf(() => new Journal(home.journal).read());
    const seen: Look[] = [];
    watch.listen((look) => seen.push(look));
    const looking = await cpuMsOf(() => watch.look());
    expect(seen[0]?.entries).toHaveLength(5_000);
    expect(looking).toBeLessThan(reading * 3);
  });

  it('a journal with rubbish in it does not end the inspector', async () => {
    const { home, inspector } = await startScene();
    writeFileSync(home.journal, '\nnull\n7\n{"machine":3}\n{"at":"x"\n<script>\n[]');
    await new Journal(home.journal).append({ ...entry, to: 'ready' });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]?.entries).toEqual([expect.objectContaining({ to: 'ready' })]);
  });
});

/** Of this process, whatever else the machine does. */
async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}
