import type { FailureCode } from '../errors.ts';
import type { AccessWish, PodFacts, PodWish, ReplacedPod } from '../machines/pod-types.ts';
import type { Pod } from '../services/runpod/client.ts';
import { cudaFloor } from '../services/runpod/cuda.ts';
import { LAUNCH_ID_ENV } from '../services/runpod/pod-request.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import type { Environment } from './environment.ts';
import { planCandidates } from './place.ts';
import { type PodRecord, type PodRecordFacts, plannedLaunch } from './pod-records.ts';

// docs/decisions/0017: a replacement is a launch of its own, whose record names the pod it replaces.

type Reason = ReplacedPod['reason'];

const REASONS: Partial<Record<FailureCode, Reason>> = {
  hostFull: 'hostFull',
  podWithoutGpu: 'hostFull',
  podUnreachable: 'broken',
  gpuUnusable: 'broken',
  podBroken: 'broken',
};

/** Why a pod that failed so may be replaced by another; undefined where another one is no cure. */
export function reasonToReplace(code: FailureCode): Reason | undefined {
  return REASONS[code];
}

/** Why a pod is not ended for another one: what would be lost with it, or may be. Undefined when nothing would. */
export function heldBy(pod: Pod): 'ownDisk' | 'unknownMount' | 'notOurs' | undefined {
  const mounts = Object.entries(pod.mounts ?? {}).filter(
    ([, mount]) => mount !== null && mount !== undefined,
  );
  if (mounts.some(([kind]) => kind === 'persistent')) return 'ownDisk';
  if (mounts.some(([kind]) => kind !== 'network')) return 'unknownMount';
  // What else somebody had RunPod put into it is not known.
  return pod.env?.[LAUNCH_ID_ENV] === undefined ? 'notOurs' : undefined;
}

/**
 * The facts of a launch that takes the place of a pod: same name, image, volume, data center, ports, and local port. On a
 * full host the same GPU is wanted first; one that did not work is wanted last.
 */
export async function plannedReplacement(
  env: Environment,
  { pod, reason, recordId, facts }: { pod: Pod; reason: Reason; recordId: string; facts: PodRecordFacts },
  signal: AbortSignal,
) {
  const seen = observePod(pod);
  const asked = wishOf(pod, seen, facts.wish);
  const wish = reason === 'hostFull' && seen.gpuName ? wantingFirst(asked, seen.gpuName) : asked;
  const candidates = await planCandidates(env, wish, signal);
  const isOther = (gpuId: string) => reason === 'hostFull' || gpuId !== seen.gpuName;
  const ordered = candidates.toSorted((a, b) => Number(isOther(b.gpuId)) - Number(isOther(a.gpuId)));
  const gpuPreferences = [...new Set(ordered.map(({ gpuId }) => gpuId))];
  return {
    next: ordered[0],
    facts: {
      ...plannedLaunch({ ...wish, gpuPreferences }, accessOf(facts)),
      autoStop: facts.autoStop ?? null,
      replaces: { recordId, podId: pod.id, reason },
    } satisfies PodRecordFacts,
  };
}

// The pod itself says what it was made of: its record may only know its name.
function wishOf(pod: Pod, { volume, gpuCount, gpuName, ports }: PodSeen, known: PodWish): PodWish {
  const labels = new Map(known.exposedPorts.map((exposed) => [exposed.port, exposed]));
  const open = ports.filter((port) => port.endsWith('/http')).map((port) => Number.parseInt(port, 10));
  const floor = cudaFloor(undefined, pod.image ?? '');
  const cloud = pod.cloud === 'COMMUNITY' ? 'COMMUNITY' : 'SECURE';
  return {
    ...known,
    name: pod.name || known.name,
    image: pod.image || known.image,
    gpuPreferences: known.gpuPreferences.length > 0 ? known.gpuPreferences : gpuName ? [gpuName] : [],
    gpuCount: gpuCount || known.gpuCount || 1,
    ...(known.image === '' && floor !== undefined && { minCudaVersion: floor }),
    diskGb: pod.disk ?? known.diskGb,
    cloud: known.image === '' || volume ? cloud : known.cloud,
    ...(volume && {
      volumeId: volume.volumeId,
      volumeMount: volume.path,
      ...(pod.dataCenterId && { dataCenterId: pod.dataCenterId }),
    }),
    exposedPorts: open.map((port) => labels.get(port) ?? { port }),
  };
}

function wantingFirst(wish: PodWish, gpuName: string): PodWish {
  return { ...wish, gpuPreferences: [gpuName, ...wish.gpuPreferences] };
}

function accessOf({ access, localPort }: PodFacts): AccessWish {
  return { keepTunnel: true, localPort: localPort ?? access.localPort };
}

/** The record of the launch that takes the place of this one, however often that was replaced; else this one. */
export function successorOf(records: [string, PodRecord][], recordId: string): string {
  const next = records.find(([id, { facts }]) => facts.replaces?.recordId === recordId && id !== recordId);
  return next
    ? successorOf(
        records.filter(([id]) => id !== recordId),
        next[0],
      )
    : recordId;
}

/** The records but those of pods that another launch takes the place of. */
export function withoutReplaced(records: [string, PodRecord][]): [string, PodRecord][] {
  return records.filter(([id]) => successorOf(records, id) === id);
}
