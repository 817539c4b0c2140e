import type { components } from './generated/api.ts';
import type { PlacementCandidate } from './placement.ts';
import { POD_SECRET_ENV } from './pod-secret.ts';

/** Environment variable of a pod that carries the id of the launch it was made for. */
export const LAUNCH_ID_ENV = 'AUTOPOD_LAUNCH_ID';

/** Environment variable from which a pod takes the ssh keys it lets in, one a line. */
export const PUBLIC_KEY_ENV = 'PUBLIC_KEY';

export type CreatePodRequest = components['schemas']['CreatePodRequest'];

/** What of a wish goes into the request. */
export interface RequestedPod {
  name: string;
  image: string;
  gpuCount: number;
  /** The CUDA version the host must have at least, `major.minor`. */
  minCudaVersion?: string;
  diskGb: number;
  volumeId?: string;
  volumeMount: string;
  exposedPorts: { port: number }[];
}

/**
 * The create request for one candidate. Only ssh is opened unless ports were asked for (I10), and the count of
 * GPUs is always sent: left out, RunPod has answered that there are none.
 */
export function podRequest(
  wish: RequestedPod,
  candidate: PlacementCandidate,
  { launchId, secret, publicKeys }: { launchId: string; secret: string; publicKeys: string[] },
): CreatePodRequest {
  const keys = [...new Set(publicKeys.map((key) => key.trim()).filter(Boolean))];
  return {
    name: wish.name,
    image: wish.image,
    cloud: candidate.cloud,
    gpu: {
      id: candidate.gpuId,
      count: wish.gpuCount,
      ...(wish.minCudaVersion !== undefined && { minCudaVersion: wish.minCudaVersion }),
    },
    disk: wish.diskGb,
    ports: ['22/tcp', ...wish.exposedPorts.map(({ port }) => `${port}/http`)],
    startSsh: true,
    env: { [LAUNCH_ID_ENV]: launchId, [POD_SECRET_ENV]: secret, [PUBLIC_KEY_ENV]: keys.join('\n') },
    ...(candidate.dataCenterId !== undefined && { dataCenterIds: [candidate.dataCenterId] }),
    ...(wish.volumeId !== undefined && {
      mounts: { network: [{ volumeId: wish.volumeId, path: wish.volumeMount }] },
    }),
  };
}
