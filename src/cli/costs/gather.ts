import { readableRecords } from '../../lifecycle/choose.ts';
import { dayStart } from '../../lifecycle/limits.ts';
import { runOf } from '../../lifecycle/spending.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { HOUR_MS, unbooked } from '../../services/runpod/unbooked.ts';
import { endedRuns } from '../../store/runs.ts';
import type { Context } from '../context.ts';
import { jobCosts } from './jobs.ts';
import type { Gathered } from './report.ts';

/** What RunPod has booked since then, what it has not, and the pods there are now. */
export async function gather(context: Context, asked: number): Promise<{ gathered: Gathered; pods: Pod[] }> {
  const { signal } = context;
  const runpod = await context.runpod();
  const until = Date.now();
  // The last two days by the hour, to see up to which one a pod is booked; what was before is booked.
  const cut = dayStart(until) - 24 * HOUR_MS;
  const since = asked < cut ? dayStart(asked) : Math.floor(asked / HOUR_MS) * HOUR_MS;
  const byHour = { since: Math.max(since, cut), until, bucketSize: 'hour' } as const;
  const byDay = { since, until: cut, bucketSize: 'day' } as const;
  const [pods, volumes, dayPods, hourPods, dayVolumes, hourVolumes] = await Promise.all([
    runpod.listPods(signal),
    runpod.listNetworkVolumes(signal),
    since < cut ? runpod.podBilling(byDay, signal) : [],
    runpod.podBilling(byHour, signal),
    since < cut ? runpod.volumeBilling(byDay, signal) : [],
    runpod.volumeBilling(byHour, signal),
  ]);
  const ended = await endedRuns(context.home());
  const runs = [...pods.map(observePod).flatMap((seen) => runOf(seen, until)), ...ended];
  const gathered: Gathered = {
    since,
    until,
    pods: [...dayPods, ...hourPods],
    volumes: [...dayVolumes, ...hourVolumes],
    unbooked: unbooked(hourPods, runs, byHour.since),
    known: await knownPods(context, pods),
    volumeNames: new Map(volumes.map(({ id, name }) => [id, name])),
    jobs: await jobCosts(context.home()),
  };
  return { gathered, pods };
}

async function knownPods(context: Context, pods: Pod[]): Promise<Gathered['known']> {
  const records = await readableRecords(await context.pods());
  const ended = await endedRuns(context.home());
  return new Map<string, { name: string | null; gpu: string | null }>([
    ...ended.map(({ podId, gpu }) => [podId, { name: null, gpu }] as const),
    ...records.flatMap(([, { facts }]) =>
      facts.podId ? [[facts.podId, { name: facts.wish.name, gpu: null }] as const] : [],
    ),
    ...pods.map((pod) => [pod.id, { name: pod.name, gpu: observePod(pod).gpuName ?? null }] as const),
  ]);
}
