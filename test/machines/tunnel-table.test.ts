import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, transition, waitFor } from 'xstate';
import { AutopodError, type FailureCode } from '../../src/errors.ts';
import {
  type Generation,
  type Opened,
  type TunnelContext,
  type TunnelEvent,
  type TunnelState,
  tunnelMachine,
} from '../../src/machines/tunnel.ts';

/** What each invoked actor may end with. */
interface Endings {
  openForward: 'open' | 'podNotRunning' | 'lost' | 'refused' | 'gone';
  holdForward: 'lost' | 'done';
  awaitRetry: 'done';
  awaitPod: 'done' | 'lost' | 'refused' | 'gone';
  closeForward: 'done' | 'failed';
}
type Actor = keyof Endings;

const generation: Generation = { id: 'g1', address: { host: 'h', port: 1, user: 'root', bootId: 'b1' } };
const failed = (code: FailureCode) => ({ error: new AutopodError(code) });
const trouble = { lost: failed('sshUnreachable'), refused: failed('sshKeyRefused'), gone: failed('podGone') };

const ENDINGS: { [A in Actor]: Record<Endings[A], { output?: unknown } | { error: unknown }> } = {
  openForward: {
    open: { output: { kind: 'open', generation } },
    podNotRunning: { output: { kind: 'podNotRunning' } },
    ...trouble,
  },
  holdForward: { lost: trouble.lost, done: {} },
  awaitRetry: { done: {} },
  awaitPod: { done: {}, ...trouble },
  closeForward: { done: {}, failed: failed('internal') },
};

const OPENING = {
  openForward: {
    open: 'healthy',
    podNotRunning: 'waitingForPod',
    lost: 'dead',
    refused: 'failed',
    gone: 'stopping',
  },
} as const;

const TABLE: Record<TunnelState, { [A in Actor]?: Record<Endings[A], TunnelState> }> = {
  starting: OPENING,
  healthy: { holdForward: { lost: 'dead', done: 'dead' } },
  dead: { awaitRetry: { done: 'recreating' } },
  recreating: OPENING,
  waitingForPod: {
    awaitPod: { done: 'recreating', lost: 'waitingForPod', refused: 'failed', gone: 'stopping' },
  },
  failed: {},
  stopping: { closeForward: { done: 'stopped', failed: 'stopped' } },
  stopped: {},
};

/** `stopped` is final: no event reaches it. */
const REQUESTS: Record<Exclude<TunnelState, 'stopped'>, Record<TunnelEvent['type'], TunnelState>> = {
  starting: { 'stop.requested': 'stopping', 'retry.requested': 'starting' },
  healthy: { 'stop.requested': 'stopping', 'retry.requested': 'healthy' },
  dead: { 'stop.requested': 'stopping', 'retry.requested': 'recreating' },
  recreating: { 'stop.requested': 'stopping', 'retry.requested': 'recreating' },
  waitingForPod: { 'stop.requested': 'stopping', 'retry.requested': 'recreating' },
  failed: { 'stop.requested': 'stopping', 'retry.requested': 'recreating' },
  stopping: { 'stop.requested': 'stopping', 'retry.requested': 'stopping' },
};

const states = Object.keys(TABLE) as TunnelState[];

function contextOf(changes: Partial<TunnelContext> = {}): TunnelContext {
  const wish = {
    podId: 'p1',
    localPort: 1,
    remotePort: 8188,
    keyPath: 'k',
    needsAgent: false,
    agentSocket: null,
    neededBy: null,
  };
  return { wish, generation: null, attempt: 0, failure: null, ...changes };
}

function step(state: TunnelState, event: object, changes: Partial<TunnelContext> = {}) {
  const snapshot = tunnelMachine.resolveState({ value: state, context: contextOf(changes) } as never);
  const [next] = transition(tunnelMachine, snapshot, event as never);
  return { state: String(next.value), context: next.context };
}

function ending(actor: Actor, name: string): object {
  const result = (ENDINGS[actor] as Record<string, object>)[name] ?? {};
  return { type: `xstate.${'error' in result ? 'error' : 'done'}.actor.${actor}`, actorId: actor, ...result };
}

describe('tunnel machine, state × event', () => {
  it('has exactly the states of the table, each with a meaning', () => {
    expect(states.toSorted()).toEqual(Object.keys(tunnelMachine.states).toSorted());
    expect(Object.values(tunnelMachine.states).filter(({ description }) => !description)).toEqual([]);
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
        for (const name of Object.keys(ENDINGS[actor]))
          expect(step(state, ending(actor, name)).state).toBe(state);
      }
    });
  }

  for (const [state, row] of Object.entries(REQUESTS)) {
    for (const [type, expected] of Object.entries(row)) {
      it(`${state}: ${type} leads to ${expected}`, () =>
        expect(step(state as TunnelState, { type }).state).toBe(expected));
    }
  }

  it('what has stopped stays stopped', () => expect(tunnelMachine.states.stopped?.type).toBe('final'));

  it('the suspect ssh is remembered until its successor has answered', () => {
    const dead = step('healthy', ending('holdForward', 'lost'), { generation });
    expect(dead.context.generation).toEqual(generation);
    expect(dead.context.failure?.code).toBe('sshUnreachable');
    expect(step('recreating', ending('openForward', 'open'), dead.context).context).toMatchObject({
      generation,
      attempt: 0,
      failure: null,
    });
  });

  it('attempts are counted, so that the pause between them can grow', () => {
    const first = step('dead', ending('awaitRetry', 'done'));
    const second = step('dead', ending('awaitRetry', 'done'), first.context);
    expect([first.context.attempt, second.context.attempt]).toEqual([1, 2]);
  });
});

describe('every state of the tunnel, saved and restored', () => {
  for (const state of states.filter((name) => name !== 'stopped')) {
    it(`${state}: the wish and the last ssh bring it back to healthy`, async () => {
      const { wish, generation: kept } = JSON.parse(
        JSON.stringify(contextOf({ generation })),
      ) as TunnelContext;
      const asked: (Generation | null)[] = [];
      const machine = tunnelMachine.provide({
        actors: {
          openForward: fromPromise(async ({ input }): Promise<Opened> => {
            asked.push(input.suspect);
            return { kind: 'open', generation };
          }),
          holdForward: fromPromise(() => new Promise<void>(() => undefined)),
        },
      });
      const actor = createActor(machine, { input: { wish, generation: kept } });
      actor.start();
      await waitFor(actor, ({ value }) => value === 'healthy');
      expect(asked).toEqual([generation]);
      actor.stop();
    });
  }
});
