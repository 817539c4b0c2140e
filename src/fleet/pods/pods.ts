import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '../../host/step.ts';
import { type PodRecordFacts, podRecord, savedState, waitingOf } from '../../lifecycle/pod-records.ts';
import { podMachine } from '../../machines/pod.ts';
import { factsOf } from '../../machines/pod-reading.ts';
import type { PodContext } from '../../machines/pod-types.ts';
import type { Asker, Durable } from '../engine/durable.ts';
import { unkept } from '../engine/unkept.ts';
import { isToldLast } from '../told-last.ts';
import type { Fleet } from './fleet.ts';
import type { KeyKeeping } from './key-keeping.ts';
import { POD_OBJECT } from './names.ts';
import { BOX_MS, podWorks } from './works.ts';

/** Milliseconds a stop that is due has, before it is asked for again. */
const AGAIN_MS = 10 * 60_000;

/** The pod machine on the engine: a key for each launch id. */
export function podObject(fleet: Fleet, keys: KeyKeeping, boxMs = BOX_MS): Durable<PodContext> {
  return {
    name: POD_OBJECT,
    machine: podMachine,
    works: podWorks(fleet, keys, boxMs),
    keep: (launchId, step, asker) => keep(fleet, launchId, step, asker),
    ringing: {
      event: { type: 'stop.requested' },
      isDone: ({ value }) => value === 'stopped' || value === 'terminated',
      againMs: AGAIN_MS,
    },
  };
}

/** Keeps the record that the gateway shows in step with the machine, and tells the journal who asked. */
async function keep(
  { pods, journal, home, owners }: Fleet,
  launchId: string,
  { saved: { value, context }, event, from, to }: Step<PodContext>,
  { who }: Asker,
): Promise<void> {
  let podId = context.podId;
  let owner = who;
  let isAgain = false;
  try {
    await pods.update(launchId, (saved) => {
      isAgain = (saved ? savedState(saved) : 'terminated') === to;
      podId ??= saved?.facts.podId ?? null;
      owner = saved?.facts.owner ?? who;
      if (to === 'terminated') return undefined;
      return podRecord(
        { ...factsOf(context), ...keptBeside(saved?.facts, who, to) },
        value,
        waitingOf(value, context),
      );
    });
    if (podId && from !== to) await owners.note(podId, owner);
    if (to === 'terminated' && podId) await rm(join(home.knownHosts, podId), { force: true });
    if (from === to) return;
    const told = { machine: 'pod@1', id: launchId, from: from ?? 'saved', to };
    if (isAgain && (await isToldLast(journal, told))) return;
    await journal.append({
      at: new Date().toISOString(),
      ...told,
      podId: podId ?? undefined,
      name: context.wish.name,
      event,
      reason: context.failure?.code,
      detail: context.failure?.detail,
      who,
    });
  } catch (error) {
    throw unkept(launchId, error);
  }
}

/** What a record has besides the machine's facts. */
function keptBeside(saved: PodRecordFacts | undefined, who: string, to: string) {
  const { owner = who, ledger = null, bought = null, guard = null } = saved ?? {};
  const { stopAt = null, idleStopMs = null, autoStop = null } = to === 'stopped' ? {} : (saved ?? {});
  return { asked: null, owner, ledger, bought, guard, stopAt, idleStopMs, autoStop };
}
