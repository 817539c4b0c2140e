import { Deadline } from '../../lifecycle/deadline.ts';
import type { Environment, Note } from '../../lifecycle/environment.ts';
import { budgetDeadline } from '../../lifecycle/launch-budget.ts';
import { spending } from '../../lifecycle/spending.ts';
import { costSighting, observePod } from '../../services/runpod/pod-state.ts';
import { bookRun } from '../../store/ledger.ts';
import { noteEndedRun } from '../../store/runs.ts';
import type { Doing } from '../engine/durable.ts';
import { tellingWhom } from '../policy/shares.ts';
import type { Fleet } from './fleet.ts';

/** Milliseconds that a step has at least, also where whoever asked for it gave up while the server was away. */
const LEAST_MS = 60_000;

/**
 * The environment of one step. Its deadlines count from when the step began, however often it has been taken up since:
 * what remains of them is what this box has. `withinMs` ends it sooner than whoever asked would.
 */
export function environmentOf(
  fleet: Fleet,
  { key, task }: Pick<Doing, 'key' | 'task'>,
  withinMs = Number.POSITIVE_INFINITY,
): Environment {
  const { home, runpod, keeper, account, privateKey, pods, timings, limits, shares, people, self } = fleet;
  const passedMs = Math.max(0, Date.now() - task.begunAt);
  const allMs = Math.min(withinMs, Math.max(LEAST_MS, task.until - task.begunAt));
  const deadline = new Deadline();
  deadline.begin(Math.max(0, allMs - passedMs), true);
  const shared = {
    runpod: { ...runpod, registeredSshKeys: withMembers(fleet) },
    keeper,
    account,
    privateKey,
    timings: { ...timings, listSettleMs: Math.max(0, timings.listSettleMs - passedMs) },
    deadline,
    tell: (note: Note) => log(fleet, note),
  };
  const spend = spending({ ...shared, limits, home, pods, shares });
  return {
    ...shared,
    self,
    book: async (seen, isLast) => {
      await bookRun(pods, costSighting(seen), isLast);
      if (isLast) await noteEndedRun(home, seen);
    },
    spend: (purchase, signal, act) => tellingWhom(people, () => spend(purchase, signal, act)),
    limitLaunch: (podId, signal) => limitLaunch(fleet, key, podId, signal),
  };
}

/** Has the engine stop a pod when it has cost `max_per_launch` since its start, unless that is planned sooner. */
async function limitLaunch(
  { runpod, limits: { maxPerLaunch }, schedule }: Fleet,
  launchId: string,
  podId: string,
  signal: AbortSignal,
): Promise<void> {
  if (maxPerLaunch === undefined) return;
  const { costPerHour, uptimeSeconds } = observePod(await runpod.getPod(podId, signal));
  const at = budgetDeadline({ maxPerLaunch, costPerHour, uptimeSeconds, now: Date.now() });
  if (at !== null) await schedule(launchId, { at, who: 'max_per_launch', isOnlySooner: true });
}

/** All who may use the pods are let in by them, whatever keys the account has besides. */
function withMembers({ runpod, memberKeys }: Fleet): Fleet['runpod']['registeredSshKeys'] {
  return async (signal) => {
    const [members, registered] = await Promise.all([memberKeys(), runpod.registeredSshKeys(signal)]);
    return [...new Set([...members, ...registered])];
  };
}

function log({ log }: Fleet, note: Note): void {
  if (note.kind === 'podLog') return;
  const { kind, ...about } = note;
  log(`${kind} ${JSON.stringify(about)}`);
}
