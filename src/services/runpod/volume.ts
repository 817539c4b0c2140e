import { AutopodError } from '../../errors.ts';
import type { NetworkVolume, RunPod } from './client.ts';
import { editDistance } from './gpu-names.ts';

/**
 * The network volume to attach, if it can be. Throws `volumeMissing` with the volumes there are, and
 * `volumeElsewhere` when another data center than its own was asked for.
 */
export async function validateVolume(
  runpod: RunPod,
  {
    volumeId,
    isVolumeDefault = false,
    dataCenterId,
  }: { volumeId: string; isVolumeDefault?: boolean; dataCenterId?: string },
  signal: AbortSignal,
): Promise<NetworkVolume> {
  const volume = await runpod.getNetworkVolume(volumeId, signal).catch(async (error: unknown) => {
    if (!(error instanceof AutopodError) || error.code !== 'volumeMissing') throw error;
    const known = await runpod.listNetworkVolumes(signal);
    throw new AutopodError('volumeMissing', {
      volumeId,
      ...(isVolumeDefault && { isDefault: true }),
      known: known.map(({ id, name }) => `${id} (${name})`),
    });
  });
  if (dataCenterId !== undefined && dataCenterId !== volume.dataCenter) {
    throw new AutopodError('volumeElsewhere', {
      volumeId,
      volumeDataCenter: volume.dataCenter,
      dataCenter: dataCenterId,
    });
  }
  return volume;
}

/** Throws `dataCenterUnknown` with near names for one that RunPod does not have. */
export async function validateDataCenter(
  runpod: RunPod,
  dataCenterId: string,
  signal: AbortSignal,
): Promise<void> {
  const ids = (await runpod.dataCenters(signal)).map(({ id }) => id);
  if (ids.includes(dataCenterId)) return;
  const near = ids
    .toSorted(
      (a, b) => editDistance(dataCenterId.toUpperCase(), a) - editDistance(dataCenterId.toUpperCase(), b),
    )
    .slice(0, 3);
  throw new AutopodError('dataCenterUnknown', { dataCenter: dataCenterId, near });
}
