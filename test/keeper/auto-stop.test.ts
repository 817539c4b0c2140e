import { describe, expect, it } from 'vitest';
import { reasonToStop } from '../../src/keeper/auto-stop.ts';

const MINUTE = 60_000;
const now = Date.parse('2026-11-23T12:00:00Z');
const at = (minutes: number) => new Date(now + minutes * MINUTE).toISOString();
const quietFor = (minutes: number, jobs: number | undefined = 0) => ({
  quietSince: now - minutes * MINUTE,
  jobs,
  unknownForMs: 0,
});

describe('a pod is stopped by itself', () => {
  it('when its time is up, and not before', () => {
    expect(reasonToStop({ stopAt: at(1), idleMs: null }, quietFor(90), now)).toBeUndefined();
    expect(reasonToStop({ stopAt: at(-1), idleMs: null }, quietFor(0), now)).toMatch(/time was up/);
  });

  it('when it was quiet for as long as was said', () => {
    const plan = { stopAt: null, idleMs: 30 * MINUTE };
    expect(reasonToStop(plan, quietFor(29), now)).toBeUndefined();
    expect(reasonToStop(plan, quietFor(31), now)).toMatch(/31 min/);
  });

  it('never while a job runs or waits', () => {
    expect(reasonToStop({ stopAt: at(-600), idleMs: 1 }, quietFor(600, 1), now)).toBeUndefined();
  });

  it('ten minutes late when ComfyUI does not say whether it works', () => {
    const plan = { stopAt: at(-600), idleMs: null };
    const unknownFor = (minutes: number) => ({
      ...quietFor(600, undefined),
      jobs: undefined,
      unknownForMs: minutes * MINUTE,
    });
    expect(reasonToStop(plan, unknownFor(9), now)).toBeUndefined();
    expect(reasonToStop(plan, unknownFor(10), now)).toMatch(/time was up/);
  });
});
