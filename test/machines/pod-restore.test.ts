import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, waitFor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { POD_STATE_WORDS } from '../../src/cli/text/states.ts';
import { AutopodError } from '../../src/errors.ts';
import { stateName } from '../../src/machines/names.ts';
import { podMachine } from '../../src/machines/pod.ts';
import { factsOf } from '../../src/machines/pod-reading.ts';
import type { PodContext, PodFacts, Sighting } from '../../src/machines/pod-types.ts';
import { candidates, goals, podFacts } from './pod-fixtures.ts';

const done = (actor: string, output?: unknown) => ({
  type: `xstate.done.actor.${actor}`,
  actorId: actor,
  output,
});
const failed = (actor: string, code: 'internal' | 'createUnanswered') => ({
  type: `xstate.error.actor.${actor}`,
  actorId: actor,
  error: new AutopodError(code),
});
const found = (condition: string) => ({ found: 'pod', podId: 'p1', condition, bootId: 'b1' });

/** Every event that moves the machine somewhere of its own. */
const EVENTS = [
  ...['pending', 'stopped'].map((condition) => done('lookForPod', found(condition))),
  done('lookForPod', { found: 'nothing' }),
  done('validateVolume', { dataCenterId: null }),
  done('planPlacement', candidates),
  done('placePod', { podId: 'p1' }),
  failed('placePod', 'createUnanswered'),
  failed('awaitBoot', 'internal'),
  done('awaitBoot', { podId: 'p1' }),
  done('awaitComfyUI', { localPort: 8188 }),
  done('startPod'),
  done('stopPod'),
  done('terminatePod'),
  { type: 'stop.requested' },
  { type: 'terminate.requested' },
];

function reachable() {
  const paths = getShortestPaths(podMachine, {
    input: { facts: podFacts(), readyBy: 1 },
    events: EVENTS as never[],
    serializeState: (snapshot) => {
      const { goal, podId, isCreateOpen } = snapshot.context as PodContext;
      return JSON.stringify([stateName(snapshot.value), goal, podId, isCreateOpen]);
    },
    limit: 20_000,
  });
  return paths.map(({ state }) => ({
    name: stateName(state.value),
    facts: factsOf(state.context as PodContext),
  }));
}

/** The machine joined to a world that is one variable: RunPod's pod. */
function worldOf(condition: 'none' | 'pending' | 'running' | 'stopped') {
  let pod = condition;
  const machine = podMachine.provide({
    actors: {
      lookForPod: fromPromise(
        async (): Promise<Sighting> =>
          pod === 'none' ? { found: 'nothing' } : { found: 'pod', podId: 'p1', condition: pod, bootId: 'b1' },
      ),
      validateVolume: fromPromise(
        async (): Promise<{ dataCenterId: string | null }> => ({ dataCenterId: null }),
      ),
      planPlacement: fromPromise(async () => candidates),
      placePod: fromPromise(async () => {
        expect(pod).toBe('none');
        pod = 'running';
        return { podId: 'p1' };
      }),
      awaitBoot: fromPromise(async () => {
        pod = 'running';
        return { podId: 'p1' };
      }),
      awaitComfyUI: fromPromise(async (): Promise<{ localPort: number | null }> => ({ localPort: 8188 })),
      startPod: fromPromise(async () => {
        pod = 'running';
      }),
      stopPod: fromPromise(async () => {
        pod = 'stopped';
      }),
      terminatePod: fromPromise(async () => {
        pod = 'none';
      }),
    },
  });
  return { machine, pod: () => pod };
}

async function restoredEnd(facts: PodFacts, condition: 'none' | 'pending' | 'running' | 'stopped') {
  const world = worldOf(condition);
  const saved = JSON.parse(JSON.stringify(facts)) as PodFacts;
  const actor = createActor(world.machine, { input: { facts: saved, readyBy: 1 } });
  actor.start();
  const rested = await waitFor(actor, ({ value }) =>
    ['ready', 'stopped', 'terminated', 'failed'].includes(String(value)),
  );
  return { state: String(rested.value), pod: world.pod() };
}

describe('every reachable state, saved and restored', () => {
  const saved = reachable();

  it('covers every state of the machine', () => {
    expect([...new Set(saved.map(({ name }) => name))].toSorted()).toEqual(
      Object.keys(POD_STATE_WORDS).toSorted(),
    );
  });

  for (const { name, facts } of saved) {
    for (const world of ['none', 'pending', 'running', 'stopped'] as const) {
      for (const goal of goals) {
        const title = `${name} (${facts.podId ?? 'no pod'}, create ${facts.isCreateOpen ? 'open' : 'closed'}), pod ${world}, wanted ${goal}`;
        it(`${title} goes to where RunPod and the wish say`, async () => {
          const end = await restoredEnd({ ...facts, goal }, world);
          expect(end).toEqual(expectedEnd(world, goal, facts));
        });
      }
    }
  }
});

function expectedEnd(world: string, goal: string, { podId }: PodFacts) {
  if (goal === 'terminated') return { state: 'terminated', pod: 'none' };
  if (world === 'none' && (goal === 'stopped' || podId !== null)) return { state: 'terminated', pod: 'none' };
  return goal === 'stopped' ? { state: 'stopped', pod: 'stopped' } : { state: 'ready', pod: 'running' };
}

describe('the machine file', () => {
  it('has a one-line meaning for every state', () => {
    const nodes = Object.values(podMachine.states).flatMap((node) => [node, ...Object.values(node.states)]);
    expect(nodes.filter((node) => !node.description).map((node) => node.id)).toEqual([]);
  });

  it('gives every invoked actor an id of its own, so that a saved one is found again', () => {
    const nodes = Object.values(podMachine.states).flatMap((node) => [node, ...Object.values(node.states)]);
    const ids = nodes.flatMap((node) => node.invoke.map((invoke) => [invoke.id, invoke.src]));
    expect(ids.every(([id, src]) => id === src)).toBe(true);
    expect(ids.length).toBeGreaterThan(8);
  });
});
