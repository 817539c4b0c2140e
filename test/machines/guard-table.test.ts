import { describe, expect, it } from 'vitest';
import { transition } from 'xstate';
import { type GuardEvent, type GuardSeen, type GuardState, guardMachine } from '../../src/machines/guard.ts';

const orders = { podId: 'p1', seq: 1 };
const later = { podId: 'p1', seq: 2 };

/** Everything that may happen, by name. */
const EVENTS = {
  planChanged: { type: 'plan.changed', orders: later },
  planDropped: { type: 'plan.dropped' },
  restarted: { type: 'pod.restarted' },
  retry: { type: 'retry.requested' },
  seenArmed: { type: 'guard.seen', seen: { state: 'armed' } },
  seenDue: { type: 'guard.seen', seen: { state: 'due', why: 'w' } },
  seenFired: { type: 'guard.seen', seen: { state: 'fired', why: 'w' } },
  seenNone: { type: 'guard.seen', seen: { state: 'none' } },
  armed: done({ state: 'armed' }),
  armedDue: done({ state: 'due', why: 'w' }),
  armedFired: done({ state: 'fired', why: 'w' }),
  armingFailed: { type: 'xstate.error.actor.armGuard', actorId: 'armGuard', error: new Error('no key') },
} as const satisfies Record<string, GuardEvent | object>;

function done(output: GuardSeen) {
  return { type: 'xstate.done.actor.armGuard', actorId: 'armGuard', output };
}

const ENDINGS = { armed: null, armedDue: null, armedFired: null, armingFailed: null };
const SEEN = { seenArmed: 'armed', seenDue: 'due', seenFired: 'fired', seenNone: 'arming' } as const;
const UNSEEN = { seenArmed: null, seenDue: null, seenFired: null, seenNone: null };
const PLAN = { planChanged: 'arming', planDropped: 'unarmed', restarted: 'arming' } as const;

/** Where each event leads; null where it changes nothing. */
const TABLE: Record<GuardState, Record<keyof typeof EVENTS, GuardState | null>> = {
  unarmed: { ...ENDINGS, ...UNSEEN, planChanged: 'arming', planDropped: null, restarted: null, retry: null },
  arming: {
    ...PLAN,
    ...UNSEEN,
    retry: null,
    armed: 'armed',
    armedDue: 'due',
    armedFired: 'fired',
    armingFailed: 'refused',
  },
  armed: { ...PLAN, ...SEEN, ...ENDINGS, retry: null },
  due: { ...PLAN, ...SEEN, ...ENDINGS, retry: null },
  fired: { ...PLAN, ...SEEN, ...ENDINGS, retry: null },
  refused: { ...PLAN, ...UNSEEN, ...ENDINGS, retry: 'arming' },
};

function step(state: GuardState, event: object) {
  const snapshot = guardMachine.resolveState({ value: state, context: { orders, why: 'before' } } as never);
  const [next] = transition(guardMachine, snapshot, event as never);
  return { state: String(next.value), context: next.context };
}

describe('guard machine, state × event', () => {
  it('has exactly the states of the table, each with a meaning', () => {
    expect(Object.keys(TABLE).toSorted()).toEqual(Object.keys(guardMachine.states).toSorted());
    expect(Object.values(guardMachine.states).filter(({ description }) => !description)).toEqual([]);
  });

  for (const [state, row] of Object.entries(TABLE) as [GuardState, (typeof TABLE)[GuardState]][])
    for (const [name, expected] of Object.entries(row) as [keyof typeof EVENTS, GuardState | null][])
      it(`${state}: ${name} leads to ${expected ?? 'nothing else'}`, () => {
        expect(step(state, EVENTS[name]).state).toBe(expected ?? state);
      });

  it('says why it is refused, or why it ends the pod, and nothing once it is armed', () => {
    expect(step('arming', EVENTS.armingFailed).context.why).toBe('no key');
    expect(step('armed', EVENTS.seenFired).context.why).toBe('w');
    expect(step('due', EVENTS.seenArmed).context.why).toBeNull();
  });

  it('goes by the orders given last', () => {
    expect(step('armed', EVENTS.planChanged).context.orders).toEqual(later);
  });
});
