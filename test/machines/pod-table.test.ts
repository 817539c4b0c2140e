import { describe, expect, it } from 'vitest';
import { transition } from 'xstate';
import { POD_STATE_WORDS, type PodStateName } from '../../src/cli/text/states.ts';
import { AutopodError, type FailureCode } from '../../src/errors.ts';
import { stateName } from '../../src/machines/names.ts';
import { podMachine } from '../../src/machines/pod.ts';
import type { Goal, PodContext, PodEvent } from '../../src/machines/pod-types.ts';
import { candidates, podContext } from './pod-fixtures.ts';

/** What each invoked actor may end with. */
interface Endings {
  lookForPod: 'nothing' | 'pending' | 'running' | 'stopped' | 'broken' | 'failed';
  validateVolume: 'done' | 'failed';
  planPlacement: 'done' | 'failed';
  placePod: 'done' | 'noStock' | 'unanswered' | 'refused' | 'unclear';
  awaitBoot: 'done' | 'failed';
  awaitComfyUI: 'done' | 'failed';
  startPod: 'done' | 'failed';
  stopPod: 'done' | 'failed';
  terminatePod: 'done' | 'failed';
}
type Actor = keyof Endings;

const failed = (code: FailureCode) => ({ error: new AutopodError(code) });
const pod = (condition: string) => ({ output: { found: 'pod', podId: 'p1', condition, bootId: 'boot-1' } });
const done = (output: unknown = undefined) => ({ output });

/** The event each ending arrives as. */
const ENDINGS: { [A in Actor]: Record<Endings[A], { output?: unknown } | { error: unknown }> } = {
  lookForPod: {
    nothing: { output: { found: 'nothing' } },
    pending: pod('pending'),
    running: pod('running'),
    stopped: pod('stopped'),
    broken: pod('broken'),
    failed: failed('apiUnreachable'),
  },
  validateVolume: { done: done({ dataCenterId: 'US-GA-1' }), failed: failed('volumeMissing') },
  planPlacement: { done: done(candidates), failed: failed('gpuUnknown') },
  placePod: {
    done: done({ podId: 'p1' }),
    noStock: failed('gpuOutOfStock'),
    unanswered: failed('createUnanswered'),
    refused: failed('balanceEmpty'),
    unclear: failed('internal'),
  },
  awaitBoot: { done: done({ podId: 'p1' }), failed: failed('bootTimedOut') },
  awaitComfyUI: { done: done({ localPort: 8188 }), failed: failed('comfyTimedOut') },
  startPod: { done: done(), failed: failed('podActionRefused') },
  stopPod: { done: done(), failed: failed('podLocked') },
  terminatePod: { done: done(), failed: failed('apiForbidden') },
};

/** The actor each state runs, and where each of its endings leads when ComfyUI is wanted. */
const TABLE: Record<PodStateName, { [A in Actor]?: Record<Endings[A], PodStateName> }> = {
  reconciling: {
    lookForPod: {
      nothing: 'creating.validatingVolume',
      pending: 'booting',
      running: 'booting',
      stopped: 'starting',
      broken: 'failed',
      failed: 'failed',
    },
  },
  'creating.validatingVolume': { validateVolume: { done: 'creating.volumeValidated', failed: 'failed' } },
  'creating.volumeValidated': { planPlacement: { done: 'creating.placing', failed: 'failed' } },
  'creating.placing': {
    placePod: {
      done: 'booting',
      noStock: 'creating.placing',
      unanswered: 'creating.lookingAgain',
      refused: 'failed',
      unclear: 'failed',
    },
  },
  'creating.lookingAgain': {
    lookForPod: {
      nothing: 'creating.placing',
      pending: 'booting',
      running: 'booting',
      stopped: 'booting',
      broken: 'booting',
      failed: 'failed',
    },
  },
  booting: { awaitBoot: { done: 'startingComfyUI', failed: 'failed' } },
  startingComfyUI: { awaitComfyUI: { done: 'ready', failed: 'failed' } },
  ready: {},
  stopping: { stopPod: { done: 'stopped', failed: 'failed' } },
  stopped: {},
  starting: { startPod: { done: 'booting', failed: 'failed' } },
  terminating: { terminatePod: { done: 'terminated', failed: 'failed' } },
  terminated: {},
  failed: {},
};

/** Every request leads through a look at RunPod, from any state. */
const REQUESTS: Record<PodEvent['type'], { event: PodEvent; goal: Goal }> = {
  'start.requested': { event: { type: 'start.requested' }, goal: 'ready' },
  'stop.requested': { event: { type: 'stop.requested' }, goal: 'stopped' },
  'restart.requested': { event: { type: 'restart.requested', bootId: 'boot-1' }, goal: 'ready' },
  'terminate.requested': { event: { type: 'terminate.requested' }, goal: 'terminated' },
};

const states = Object.keys(POD_STATE_WORDS) as PodStateName[];

function step(state: PodStateName, event: object, changes: Partial<PodContext> = {}) {
  const [parent, child] = state.split('.') as [string, string | undefined];
  const value = child === undefined ? parent : { [parent]: child };
  const snapshot = podMachine.resolveState({ value, context: podContext(changes) } as never);
  const [next] = transition(podMachine, snapshot, event as never);
  return { state: stateName(next.value), context: next.context };
}

function ending(actor: Actor, name: string): object {
  const result = (ENDINGS[actor] as Record<string, object>)[name] ?? {};
  return { type: `xstate.${'error' in result ? 'error' : 'done'}.actor.${actor}`, actorId: actor, ...result };
}

describe('pod machine, state × event', () => {
  it('has words for exactly the states there are', () => {
    const leaves = Object.values(podMachine.states).flatMap((node) =>
      node.type === 'compound' ? Object.keys(node.states).map((child) => `${node.key}.${child}`) : [node.key],
    );
    expect(states.toSorted()).toEqual(leaves.toSorted());
  });

  for (const state of states) {
    for (const [actor, endings] of Object.entries(TABLE[state])) {
      for (const [name, expected] of Object.entries(endings)) {
        it(`${state}: ${actor} ${name} leads to ${expected}`, () => {
          expect(step(state, ending(actor as Actor, name)).state).toBe(expected);
        });
      }
    }

    it(`${state}: an ending of an actor it does not run changes nothing`, () => {
      for (const actor of Object.keys(ENDINGS).filter((name) => !(name in TABLE[state])) as Actor[]) {
        for (const name of Object.keys(ENDINGS[actor])) {
          expect(step(state, ending(actor, name)).state).toBe(state);
        }
      }
    });

    for (const [type, { event, goal }] of Object.entries(REQUESTS)) {
      it(`${state}: ${type} asks RunPod first`, () => {
        const { state: next, context } = step(state, event);
        expect([next, context.goal, context.failure]).toEqual(['reconciling', goal, null]);
      });
    }
  }
});

describe('reconciling, goal × what RunPod says', () => {
  type Sight = Exclude<Endings['lookForPod'], 'failed'>;
  const known: Record<Goal, Record<Sight, PodStateName>> = {
    ready: {
      nothing: 'terminated',
      pending: 'booting',
      running: 'booting',
      stopped: 'starting',
      broken: 'failed',
    },
    stopped: {
      nothing: 'terminated',
      pending: 'stopping',
      running: 'stopping',
      stopped: 'stopped',
      broken: 'stopping',
    },
    terminated: {
      nothing: 'terminated',
      pending: 'terminating',
      running: 'terminating',
      stopped: 'terminating',
      broken: 'terminating',
    },
  };
  for (const [goal, row] of Object.entries(known)) {
    for (const [sight, expected] of Object.entries(row)) {
      it(`a known pod wanted ${goal} and found ${sight} leads to ${expected}`, () => {
        const changes = { goal: goal as Goal, podId: 'p1' };
        expect(step('reconciling', ending('lookForPod', sight), changes).state).toBe(expected);
      });
    }
  }

  it('a launch that never began and is not wanted any more ends', () => {
    for (const goal of ['stopped', 'terminated'] as const) {
      expect(step('reconciling', ending('lookForPod', 'nothing'), { goal }).state).toBe('terminated');
    }
  });

  it('the boot to be replaced is restarted, a later one is not', () => {
    const running = ending('lookForPod', 'running');
    expect(step('reconciling', running, { podId: 'p1', bootToReplace: 'boot-1' }).state).toBe('starting');
    expect(step('reconciling', running, { podId: 'p1', bootToReplace: 'boot-0' }).state).toBe('booting');
  });

  it('a pod that is gone is reported, not silently made again', () => {
    const { context } = step('reconciling', ending('lookForPod', 'nothing'), { podId: 'p1' });
    expect(context.failure).toEqual({ code: 'podGone', detail: { podId: 'p1' } });
  });
});

describe('placing', () => {
  it('a refused candidate gives way to the next, and the last refusal fails with all that was tried', () => {
    const first = step('creating.placing', ending('placePod', 'noStock'));
    expect(first.context.candidate).toBe(1);
    const last = step('creating.placing', ending('placePod', 'noStock'), first.context);
    expect(last.state).toBe('failed');
    expect(last.context.failure?.code).toBe('gpuOutOfStock');
    expect(last.context.failure?.detail.tried).toHaveLength(2);
    expect(last.context.isCreateOpen).toBe(false);
  });

  it('an unanswered create stays open until a look has found nothing', () => {
    const lost = step('creating.placing', ending('placePod', 'unanswered'), { isCreateOpen: true });
    expect(lost.context.isCreateOpen).toBe(true);
    const found = step('creating.lookingAgain', ending('lookForPod', 'pending'), lost.context);
    expect([found.context.isCreateOpen, found.context.podId]).toEqual([false, 'p1']);
  });

  it('an unclear ending leaves the create open, a definite refusal closes it', () => {
    expect(
      step('creating.placing', ending('placePod', 'unclear'), { isCreateOpen: true }).context.isCreateOpen,
    ).toBe(true);
    expect(
      step('creating.placing', ending('placePod', 'refused'), { isCreateOpen: true }).context.isCreateOpen,
    ).toBe(false);
  });

  it('a lost create is unaccounted for until its pod is found, and never once the launch is ready', () => {
    const lost = { isCreateOpen: true, unansweredCreates: 0 };
    const left = (state: Parameters<typeof step>[0], event: Parameters<typeof step>[1], from: object) =>
      step(state, event, from).context.unansweredCreates;
    expect(left('creating.lookingAgain', ending('lookForPod', 'nothing'), lost)).toBe(1);
    expect(left('creating.lookingAgain', ending('lookForPod', 'running'), lost)).toBe(0);
    expect(left('reconciling', ending('lookForPod', 'nothing'), lost)).toBe(1);
    expect(left('reconciling', ending('lookForPod', 'nothing'), { ...lost, isCreateOpen: false })).toBe(0);
    expect(left('creating.placing', ending('placePod', 'done'), { ...lost, unansweredCreates: 1 })).toBe(1);
    expect(left('startingComfyUI', ending('awaitComfyUI', 'done'), { unansweredCreates: 2 })).toBe(0);
  });

  it('after three lost answers it stops asking', () => {
    const { state } = step('creating.lookingAgain', ending('lookForPod', 'nothing'), {
      unansweredCreates: 2,
    });
    expect(state).toBe('failed');
  });
});
