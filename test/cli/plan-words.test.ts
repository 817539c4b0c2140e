import { expect, it } from 'vitest';
import { planCell } from '../../src/cli/text/planned-stop.ts';
import { text } from '../../src/cli/text.ts';
import type { Overdue } from '../../src/store/plans.ts';

const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const overdue: Overdue = {
  since: at(-60_000),
  kind: 'time',
  words: 'its time was up',
  attempts: 1,
  takenAt: null,
  failure: null,
};

it('a plan that ends the pod for good does not say that it stops it', () => {
  const plan = { stopAt: at(3_600_000), idleMs: null, isForGood: true };
  expect(text.planStays('p1', plan)).toMatch(/^Pod p1 will be ended for good at /);
  expect(text.planStays('p1', { ...plan, stopAt: at(-1_000) })).toMatch(
    /it is ended for good as soon as no job/,
  );
  expect(planCell({ ...plan, overdue })).toMatch(/^was due to be ended at /);
});

it('one that stops it says that', () => {
  const plan = { stopAt: at(3_600_000), idleMs: null };
  expect(text.planStays('p1', plan)).toMatch(/^Pod p1 will be stopped at /);
  expect(planCell({ ...plan, overdue })).toMatch(/^was due to stop at /);
});
