import { describe, expect, it } from 'vitest';
import { reasonToStop } from '../../src/keeper/auto-stop.ts';

const MINUTE = 60_000;
const now = 12 * 60 * MINUTE;
const stopAt = '2026-11-23T12:00:00Z';
const dueAt = (minutes: number) => now + minutes * MINUTE;
const quietFor = (minutes: number, jobs: number | undefined = 0) => ({
  dueAt: null as number | null,
  quietSince: now - minutes * MINUTE,
  jobs,
  unknownForMs: 0,
});

describe('a pod is stopped by itself', () => {
  it('when its time is up, and not before', () => {
    const plan = { stopAt, idleMs: null };
    expect(reasonToStop(plan, { ...quietFor(90), dueAt: dueAt(1) }, now)).toBeUndefined();
    expect(reasonToStop(plan, { ...quietFor(0), dueAt: dueAt(-1) }, now)?.words).toMatch(
      /time was up at 2026/,
    );
  });

  it('when it was quiet for as long as was said', () => {
    const plan = { stopAt: null, idleMs: 30 * MINUTE };
    expect(reasonToStop(plan, quietFor(29), now)).toBeUndefined();
    expect(reasonToStop(plan, quietFor(31), now)?.words).toMatch(/31 min/);
  });

  it('never while a job runs or waits', () => {
    const use = { ...quietFor(600, 1), dueAt: dueAt(-600) };
    expect(reasonToStop({ stopAt, idleMs: 1 }, use, now)).toBeUndefined();
  });

  it('ten minutes late when ComfyUI does not say whether it works', () => {
    const plan = { stopAt, idleMs: null };
    const unknownFor = (minutes: number) => ({
      ...quietFor(600, undefined),
      dueAt: dueAt(-600),
      jobs: undefined,
      unknownForMs: minutes * MINUTE,
    });
    expect(reasonToStop(plan, unknownFor(9), now)).toBeUndefined();
    expect(reasonToStop(plan, unknownFor(10), now)?.words).toMatch(/time was up/);
  });
});
