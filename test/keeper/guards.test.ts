import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Guard as PodsGuard } from '../../sim/ssh/guard.ts';
import { Guards } from '../../src/keeper/guards.ts';
import { Journal } from '../../src/store/journal.ts';
import {
  isPlanned,
  keptPods,
  mayBeGuarded,
  nextSeq,
  type PlanFacts,
  type StopPlan,
  toldPlan,
} from '../../src/store/plans.ts';
import { RecordStore } from '../../src/store/records.ts';
import { tempHome } from '../support/temp-home.ts';

/** A pod with the simulator's guard in it. */
function podWithGuard() {
  const pod = {
    bootId: 'boot-1',
    hasKey: true,
    hasJob: false,
    isRunning: true,
    /** Sessions come through. */
    isReached: true,
    scripts: [] as string[],
    ended: '',
  };
  const guard = new PodsGuard({
    hasKey: () => pod.hasKey,
    isRunning: () => pod.isRunning,
    hasJob: () => pod.hasJob,
    work: () => null,
    end: (verb) => {
      pod.ended = verb;
      pod.isRunning = false;
    },
    say: () => undefined,
  });
  onTestFinished(() => guard.stop());
  return Object.assign(pod, { guard });
}

type Pod = ReturnType<typeof podWithGuard>;

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();

/** The keeper's part of one machine, with a record of the pod. */
function machine(pod: Pod) {
  const home = tempHome();
  const records = new RecordStore<PlanFacts>({ path: home.pods, locks: home.locks });
  const state = { isAtWork: false, hasTunnel: true };
  const guards = new Guards({
    home,
    stopping: {
      readPlans: async () => undefined,
      get guarded() {
        return (keptPods(home.pods) ?? []).filter((one) => isPlanned(one) || mayBeGuarded(one));
      },
    },
    journal: new Journal(home.journal),
    tunnelTo: () => ({
      lastActivityAt: undefined,
      shell: state.hasTunnel
        ? {
            bootId: pod.bootId,
            run: async (command, script) => {
              pod.scripts.push(script);
              return pod.isReached ? pod.guard.session(command.split(' ').at(-1) ?? '', script) : undefined;
            },
          }
        : undefined,
    }),
    worksAt: () => state.isAtWork,
    leadMs: 20_000,
    log: () => undefined,
  });
  const facts = async () => (await records.get('launch'))?.facts;
  const plan = async (change: Partial<StopPlan> | null) => {
    await records.update('launch', (record) => {
      const before: PlanFacts = record?.facts ?? {
        launchId: 'launch',
        podId: 'p1',
        isCreateOpen: false,
        unansweredCreates: 0,
        wish: { name: 'pod', volumeMount: '/workspace' },
      };
      const needs = { apiUrl: 'http://127.0.0.1:9', keyPath: '', needsAgent: false, agentSocket: null };
      const autoStop = change && {
        stopAt: null,
        idleMs: null,
        ...needs,
        ...before.autoStop,
        ...change,
        setAt: nextSeq(before),
      };
      const savedAt = new Date().toISOString();
      return {
        schema: 1,
        machine: 'pod@1',
        snapshot: null,
        savedAt,
        facts: { ...before, autoStop, overdue: null },
      };
    });
    return guards.arm('p1');
  };
  const journal = () => readFileSync(home.journal, 'utf8');
  return { guards, facts, plan, state, journal };
}

const near = (ms: number, other: number) => Math.abs(ms - other) < 5000;

describe('a guard and the plan it goes by', () => {
  it('are one: what is told here is what is in force there', async () => {
    const pod = podWithGuard();
    const { plan, facts } = machine(pod);
    expect(await plan({ stopAt: inHours(1) })).toMatchObject({ state: 'armed' });
    expect(near(pod.guard.deadlineMs, Date.now() + HOUR_MS)).toBe(true);
    await plan({ stopAt: inHours(2) });
    expect(near(pod.guard.deadlineMs, Date.now() + 2 * HOUR_MS)).toBe(true);
    expect((await facts())?.guard).toMatchObject({ state: 'armed', why: null });
  });

  it('are told apart while ssh does not reach the pod, and made one again when it does', async () => {
    const pod = podWithGuard();
    const { guards, plan, facts, state } = machine(pod);
    await plan({ stopAt: inHours(1) });
    state.hasTunnel = false;
    await plan({ stopAt: inHours(3) });
    expect(toldPlan((await facts()) ?? ({} as PlanFacts))?.guard).toMatchObject({
      state: 'armed',
      isBehind: true,
    });
    expect(near(pod.guard.deadlineMs, Date.now() + HOUR_MS)).toBe(true);
    state.hasTunnel = true;
    await guards.look();
    expect(await guards.arm('p1')).toMatchObject({ state: 'armed' });
    expect(near(pod.guard.deadlineMs, Date.now() + 3 * HOUR_MS)).toBe(true);
    expect(toldPlan((await facts()) ?? ({} as PlanFacts))?.guard?.isBehind).toBeUndefined();
  });

  it('end together; a guard that has not heard of it stays known as one, and hears of it later', async () => {
    const pod = podWithGuard();
    const { guards, plan, facts, state } = machine(pod);
    await plan({ stopAt: inHours(1) });
    state.hasTunnel = false;
    expect(await plan(null)).toMatchObject({ state: 'armed' });
    expect(pod.guard.state).toBe('armed');
    state.hasTunnel = true;
    pod.isReached = false;
    await guards.look();
    expect((await facts())?.guard?.state).toBe('armed');
    pod.isReached = true;
    await guards.look();
    expect([pod.guard.state, (await facts())?.guard?.state]).toEqual(['off', 'unarmed']);
    expect(await plan({ idleMs: HOUR_MS })).toMatchObject({ state: 'armed' });
  });

  it('go by the later word of two machines, also where that is that there is no plan', async () => {
    const pod = podWithGuard();
    const [one, other] = [machine(pod), machine(pod)];
    await one.plan({ stopAt: inHours(1) });
    await other.plan({ stopAt: inHours(5) });
    await one.guards.look();
    const stopAt = () => one.facts().then((facts) => Date.parse(facts?.autoStop?.stopAt ?? ''));
    await expect.poll(async () => near(await stopAt(), Date.now() + 5 * HOUR_MS)).toBe(true);
    await other.plan(null);
    await one.guards.look();
    await expect.poll(async () => (await one.facts())?.autoStop).toBeNull();
    expect(pod.guard.state).toBe('off');
  });

  it('go on counting where the wall clock was set back', async () => {
    const pod = podWithGuard();
    const { plan, facts } = machine(pod);
    await plan({ stopAt: inHours(1) });
    const before = (await facts())?.autoStop?.setAt ?? 0;
    expect(nextSeq({ autoStop: { setAt: before } as StopPlan }, before - HOUR_MS)).toBe(before + 1);
    expect(nextSeq({ guard: { seq: before + 9 } as never }, before)).toBe(before + 10);
  });
});

describe('a guard that is', () => {
  it('refused says why, and is not tried again at once', async () => {
    const pod = podWithGuard();
    const { guards, plan } = machine(pod);
    pod.hasKey = false;
    expect(await plan({ stopAt: inHours(1) })).toMatchObject({
      state: 'refused',
      why: 'the pod has no key of its own',
    });
    const tries = pod.scripts.length;
    await guards.look();
    expect(pod.scripts.length).toBe(tries);
  });

  it('gone with the container counts as none, and is armed again', async () => {
    const pod = podWithGuard();
    const { guards, plan, facts } = machine(pod);
    await plan({ stopAt: inHours(1) });
    const seen = (bootId: string, condition = 'running') =>
      facts().then((known) => known && toldPlan(known, { bootId, condition })?.guard);
    expect(await seen('boot-1')).toMatchObject({ state: 'armed' });
    const none = { state: 'unarmed', why: 'it ended with the run of the pod before' };
    expect(await seen('boot-2')).toMatchObject(none);
    expect(await seen('boot-1', 'stopped')).toMatchObject(none);
    pod.guard.stop();
    pod.bootId = 'boot-2';
    await guards.look();
    expect(await guards.arm('p1')).toMatchObject({ state: 'armed' });
    expect(pod.guard.state).toBe('armed');
  });

  it('due waits while this machine has work on the pod', async () => {
    const pod = podWithGuard();
    const { guards, plan, state } = machine(pod);
    state.isAtWork = true;
    await plan({ stopAt: new Date(Date.now() + 1500).toISOString(), aloneMs: null });
    await guards.look();
    expect(pod.scripts.at(-1)).toMatch(/ beat 0 90\n/);
    state.isAtWork = false;
    await guards.look();
    expect(pod.scripts.at(-1)).toMatch(/ beat \d+ 0\n/);
  });
});

it('that a pod ended itself is told once, with its reason, and kept in the journal', async () => {
  const pod = podWithGuard();
  const { guards, plan, facts, journal } = machine(pod);
  await plan({ stopAt: inHours(-1), isForGood: true });
  await expect.poll(() => pod.ended, { timeout: 30_000 }).toBe('kill');
  // It is started again, by whomever, without a plan.
  pod.guard.stop();
  pod.bootId = 'boot-2';
  pod.isRunning = true;
  const last = { ending: 'kill', why: 'its time was up', at: expect.any(String) };
  expect(await plan(null)).toMatchObject({ state: 'unarmed', last });
  expect(await guards.arm('p1')).toBeNull();
  expect((await facts())?.guard).toMatchObject({ state: 'unarmed', last });
  expect(journal()).toContain('"event":"guard.ended"');
});
