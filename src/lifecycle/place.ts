import { AutopodError } from '../errors.ts';
import type { Candidate, PodFacts, PodWish } from '../machines/pod-types.ts';
import { resolveGpuNames } from '../services/runpod/gpu-names.ts';
import { planPlacement } from '../services/runpod/placement.ts';
import { podRequest } from '../services/runpod/pod-request.ts';
import { makePodSecret } from '../services/runpod/pod-secret.ts';
import { validateDataCenter, validateVolume } from '../services/runpod/volume.ts';
import type { Environment } from './environment.ts';
import { findPod } from './look.ts';
import { patiently, patientlyCreate } from './patience.ts';

/** The data center the pod is bound to, by its volume or by the user's word. */
export async function findDataCenter(
  env: Environment,
  { volumeId, dataCenterId }: PodWish,
  signal: AbortSignal,
): Promise<{ dataCenterId: string | null }> {
  const asked = dataCenterId === undefined ? {} : { dataCenterId };
  if (volumeId !== undefined) {
    const volume = await patiently(env, signal, () =>
      validateVolume(env.runpod, { volumeId, ...asked }, signal),
    );
    return { dataCenterId: volume.dataCenter };
  }
  if (dataCenterId !== undefined) {
    await patiently(env, signal, () => validateDataCenter(env.runpod, dataCenterId, signal));
  }
  return { dataCenterId: dataCenterId ?? null };
}

/** Candidates in the order worth trying; with `ALL`, Secure ones before Community ones. */
export async function planCandidates(
  env: Environment,
  wish: PodWish,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const tiers = wish.cloud !== 'ALL' ? [wish.cloud] : wish.volumeId ? (['SECURE'] as const) : BOTH_TIERS;
  const plans = await Promise.all(tiers.map((cloud) => planIn(env, wish, cloud, signal)));
  const candidates = plans.flatMap((plan) => ('candidates' in plan ? plan.candidates : []));
  const [first] = plans;
  if (candidates.length === 0 && first && 'error' in first) throw first.error;
  env.tell({ kind: 'planned', candidates });
  return candidates;
}

const BOTH_TIERS = ['SECURE', 'COMMUNITY'] as const;

async function planIn(
  env: Environment,
  { gpuCount, dataCenterId, gpuPreferences }: PodWish,
  cloud: 'SECURE' | 'COMMUNITY',
  signal: AbortSignal,
): Promise<{ candidates: Candidate[] } | { error: AutopodError }> {
  const catalog = await patiently(env, signal, () =>
    env.runpod.gpuCatalog({ count: gpuCount, cloud }, signal),
  );
  const gpus = resolveGpuNames(gpuPreferences, catalog);
  try {
    const place = dataCenterId === undefined ? {} : { dataCenterId };
    return { candidates: planPlacement({ gpus, catalog, gpuCount, cloud, ...place }) };
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'gpuOutOfStock') return { error };
    throw error;
  }
}

/** Looks for the launch's pod and creates it only when there is none (I2). The caller has saved the launch id. */
export async function placePod(
  env: Environment,
  facts: PodFacts,
  candidate: Candidate | undefined,
  signal: AbortSignal,
): Promise<{ podId: string }> {
  if (!candidate) throw new AutopodError('gpuOutOfStock', {});
  const found = await findPod(env, facts, signal);
  if (found) {
    env.tell({ kind: 'adopted', podId: found.id });
    return { podId: found.id };
  }
  const [key, registered] = await Promise.all([
    env.privateKey(),
    patiently(env, signal, () => env.runpod.registeredSshKeys(signal)),
  ]);
  const publicKeys = [key.publicKey, ...registered];
  const request = podRequest(facts.wish, candidate, {
    launchId: facts.launchId,
    secret: makePodSecret(),
    publicKeys,
  });
  const pod = await patientlyCreate(env, signal, () => env.runpod.createPod(request, signal));
  env.tell({ kind: 'created', podId: pod.id, costPerHour: pod.cost ?? candidate.pricePerHour });
  return { podId: pod.id };
}
