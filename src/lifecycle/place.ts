import { AutopodError } from '../errors.ts';
import type { Candidate, PodFacts, PodWish } from '../machines/pod-types.ts';
import { resolveGpuNames } from '../services/runpod/gpu-names.ts';
import { planPlacement } from '../services/runpod/placement.ts';
import { podRequest } from '../services/runpod/pod-request.ts';
import { validateVolume } from '../services/runpod/volume.ts';
import type { Environment } from './environment.ts';
import { findPod } from './look.ts';
import { patiently, patientlyCreate } from './patience.ts';

/** The data center the pod is bound to, by its volume or by the user's word. */
export async function findDataCenter(
  env: Environment,
  wish: PodWish,
  signal: AbortSignal,
): Promise<{ dataCenterId: string | null }> {
  const { volumeId, dataCenterId, cloud } = wish;
  if (volumeId === undefined) return { dataCenterId: dataCenterId ?? null };
  const asked = { volumeId, cloud, ...(dataCenterId !== undefined && { dataCenterId }) };
  const volume = await patiently(env, signal, () => validateVolume(env.runpod, asked, signal));
  return { dataCenterId: volume.dataCenter };
}

/** Candidates in the order worth trying: preference, then stock, then price. */
export async function planCandidates(
  env: Environment,
  wish: PodWish,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { gpuCount, cloud: asked, dataCenterId, volumeId } = wish;
  const cloud = volumeId === undefined ? asked : 'SECURE';
  const catalog = await patiently(env, signal, () =>
    env.runpod.gpuCatalog({ count: gpuCount, cloud }, signal),
  );
  const gpus = resolveGpuNames(wish.gpuPreferences, catalog);
  const place = dataCenterId === undefined ? {} : { dataCenterId };
  const { candidates } = planPlacement({ gpus, catalog, gpuCount, cloud, ...place });
  env.tell({ kind: 'planned', candidates });
  return candidates;
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
  const request = podRequest(facts.wish, candidate, { launchId: facts.launchId, publicKeys });
  const pod = await patientlyCreate(env, signal, () => env.runpod.createPod(request, signal));
  env.tell({ kind: 'created', podId: pod.id, costPerHour: pod.cost ?? candidate.pricePerHour });
  return { podId: pod.id };
}
