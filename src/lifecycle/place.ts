import { AutopodError } from '../errors.ts';
import type { Candidate, Placed, PodFacts, PodWish } from '../machines/pod-types.ts';
import type { GpuType } from '../services/runpod/client.ts';
import { resolveGpuNames } from '../services/runpod/gpu-names.ts';
import { type BelowFloor, belowFloor, planPlacement } from '../services/runpod/placement.ts';
import { podRequest } from '../services/runpod/pod-request.ts';
import { makePodSecret } from '../services/runpod/pod-secret.ts';
import { validateDataCenter, validateVolume } from '../services/runpod/volume.ts';
import type { Environment } from './environment.ts';
import { findPod } from './look.ts';
import { patiently, patientlyCreate } from './patience.ts';

/** The data center the pod is bound to, by its volume or by the user's word. */
export async function findDataCenter(
  env: Environment,
  { volumeId, isVolumeDefault = false, dataCenterId }: PodWish,
  signal: AbortSignal,
): Promise<{ dataCenterId: string | null }> {
  const asked = dataCenterId === undefined ? {} : { dataCenterId };
  if (volumeId !== undefined) {
    const volume = await patiently(env, signal, () =>
      validateVolume(env.runpod, { volumeId, isVolumeDefault, ...asked }, signal),
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
  const tooOld = plans.flatMap((plan) => plan.tooOld);
  env.tell({ kind: 'planned', candidates });
  if (tooOld.length > 0) env.tell({ kind: 'leftOut', tooOld });
  return candidates;
}

const BOTH_TIERS = ['SECURE', 'COMMUNITY'] as const;

async function planIn(
  env: Environment,
  { gpuCount, dataCenterId, gpuPreferences, minCudaVersion }: PodWish,
  cloud: 'SECURE' | 'COMMUNITY',
  signal: AbortSignal,
): Promise<
  { candidates: Candidate[]; tooOld: BelowFloor[] } | { error: AutopodError; tooOld: BelowFloor[] }
> {
  const ask = (floor: string | undefined) =>
    patiently(env, signal, () =>
      env.runpod.gpuCatalog({ count: gpuCount, cloud, minCudaVersion: floor }, signal),
    );
  const whole = await ask(undefined);
  const catalog = minCudaVersion === undefined ? whole : heldBy(await ask(minCudaVersion), whole);
  const floor = minCudaVersion !== undefined && { minCudaVersion, catalog: whole };
  const query = {
    gpus: resolveGpuNames(gpuPreferences, catalog),
    catalog,
    gpuCount,
    cloud,
    ...(floor && { floor }),
    ...(dataCenterId !== undefined && { dataCenterId }),
  };
  const tooOld = belowFloor(query);
  try {
    return { candidates: planPlacement(query), tooOld };
  } catch (error) {
    if (error instanceof AutopodError && error.code === 'gpuOutOfStock') return { error, tooOld };
    throw error;
  }
}

/** The whole catalogue with the stock of a narrower one; what that does not list is not to be had there. */
function heldBy(narrow: GpuType[], whole: GpuType[]): GpuType[] {
  const byId = new Map(narrow.map((gpu) => [gpu.id, gpu]));
  return whole.map((gpu) => byId.get(gpu.id) ?? { ...gpu, availability: 'NONE', dataCenters: [] });
}

/** Looks for the launch's pod and creates it only when there is none (I2). The caller has saved the launch id. */
export async function placePod(
  env: Environment,
  facts: PodFacts,
  candidate: Candidate | undefined,
  signal: AbortSignal,
): Promise<Placed> {
  if (!candidate) throw new AutopodError('gpuOutOfStock', {});
  const found = await findPod(env, facts, signal);
  if (found) {
    env.tell({ kind: 'adopted', podId: found.id });
    return { podId: found.id, isFound: true };
  }
  const [key, registered] = await Promise.all([env.privateKey(), accountKeys(env, signal)]);
  const publicKeys = [key.publicKey, ...registered];
  const request = podRequest(facts.wish, candidate, {
    launchId: facts.launchId,
    secret: makePodSecret(),
    publicKeys,
  });
  // Nobody would wait for a pod that is bought only now.
  env.deadline.throwIfOver();
  const { launchId, replaces } = facts;
  const endsPodId = replaces?.reason === 'broken' ? replaces.podId : undefined;
  const pod = await env.spend({ launchId, costPerHour: candidate.pricePerHour, endsPodId }, signal, () =>
    patientlyCreate(env, signal, () => env.runpod.createPod(request, signal)),
  );
  env.tell({ kind: 'created', podId: pod.id, costPerHour: pod.cost ?? candidate.pricePerHour });
  return { podId: pod.id };
}

/** The public keys registered with the account; none, and told so, where the API key may not read them. */
async function accountKeys(env: Environment, signal: AbortSignal): Promise<string[]> {
  try {
    return await patiently(env, signal, () => env.runpod.registeredSshKeys(signal));
  } catch (error) {
    if (!(error instanceof AutopodError) || error.code !== 'apiForbidden') throw error;
    env.tell({ kind: 'keysUnread' });
    return [];
  }
}
