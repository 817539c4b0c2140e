import { billedIn, windowsSince } from '../../lifecycle/billed.ts';
import { readableRecords } from '../../lifecycle/choose.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { endedRuns } from '../../store/runs.ts';
import type { Context } from '../context.ts';
import { jobCosts } from './jobs.ts';
import type { Gathered } from './report.ts';

/** What RunPod has booked since then, what it has not, and the pods there are now. */
export async function gather(context: Context, asked: number): Promise<{ gathered: Gathered; pods: Pod[] }> {
  const { signal } = context;
  const runpod = await context.runpod();
  const until = Date.now();
  const windows = windowsSince(asked, until);
  const { since, byHour, byDay } = windows;
  const ended = await endedRuns(context.home());
  const [pods, volumes, dayVolumes, hourVolumes] = await Promise.all([
    runpod.listPods(signal),
    runpod.listNetworkVolumes(signal),
    byDay ? runpod.volumeBilling(byDay, signal) : [],
    runpod.volumeBilling(byHour, signal),
  ]);
  const billed = await billedIn(runpod, windows, { listed: pods, ended }, signal);
  const gathered: Gathered = {
    since,
    until,
    ...billed,
    volumes: [...dayVolumes, ...hourVolumes],
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
