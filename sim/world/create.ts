import { Problem } from '../api/answer.ts';
import type { Scenario } from '../scenario.ts';
import { type GpuRequest, place } from './placement.ts';
import type { Cloud, PodMounts, PodSpec } from './pod.ts';

/** The body of a create, already valid by the document. */
export interface CreatePodBody {
  name: string;
  image?: string;
  args?: string;
  disk?: number;
  env?: Record<string, string>;
  ports?: string[];
  registry?: string | null;
  cloud?: Cloud;
  cpu?: unknown;
  dataCenterIds?: string[];
  globalNetworking?: boolean;
  gpu?: Omit<GpuRequest, 'count'> & { count?: number };
  mounts?: PodMounts;
  startJupyter?: boolean;
  startSsh?: boolean;
  templateId?: string;
}

/** What a create would make, placed where there is stock. @throws Problem for every rule the document gives */
export function plan(scenario: Scenario, body: CreatePodBody): PodSpec {
  if (body.templateId !== undefined) throw new Problem(404, 'template not found');
  if ((body.gpu === undefined) === (body.cpu === undefined)) {
    throw new Problem(400, 'exactly one of gpu or cpu must be set');
  }
  if (body.gpu === undefined) throw new Problem(501, 'the simulator has no CPU pods');
  const gpu = { ...body.gpu, count: body.gpu.count ?? 1 };
  if (!scenario.gpus.some(({ id }) => id === gpu.id)) throw new Problem(400, `gpu type not found: ${gpu.id}`);
  if (gpu.allowedCudaVersions?.length && gpu.minCudaVersion !== undefined) {
    throw new Problem(400, 'allowedCudaVersions and minCudaVersion are mutually exclusive');
  }
  if (scenario.balance <= 0) throw new Problem(402, 'insufficient balance to create a pod');

  const cloud = body.cloud ?? 'SECURE';
  const dataCenterIds = dataCentersFor(scenario, body, cloud);
  return {
    name: body.name,
    image: body.image ?? '',
    args: body.args ?? '',
    disk: body.disk ?? 50,
    env: environment(scenario, body),
    ports: body.ports ?? [],
    registry: body.registry ?? null,
    mounts: body.mounts ?? {},
    gpu: { id: gpu.id, count: gpu.count },
    cloud,
    ...place(scenario, { gpu, cloud, dataCenterIds }),
    globalNetworking: body.globalNetworking ?? false,
  };
}

function dataCentersFor(
  scenario: Scenario,
  { mounts, dataCenterIds = [] }: CreatePodBody,
  cloud: Cloud,
): string[] {
  const [network] = mounts?.network ?? [];
  if (mounts?.persistent && network) {
    throw new Problem(400, 'mounts.persistent and mounts.network are mutually exclusive');
  }
  if (!network) return dataCenterIds;
  if (cloud !== 'SECURE') throw new Problem(400, 'network volumes are only available in the SECURE cloud');
  const volume = scenario.networkVolumes.find(({ id }) => id === network.volumeId);
  if (!volume) throw new Problem(400, `network volume not found: ${network.volumeId}`);
  if (dataCenterIds.length > 0 && !dataCenterIds.includes(volume.dataCenter)) {
    throw new Problem(
      400,
      `network volume ${volume.id} is in data center ${volume.dataCenter}, which is not among dataCenterIds`,
    );
  }
  return [volume.dataCenter];
}

function environment(
  { sshKeys }: Scenario,
  { env = {}, startSsh, startJupyter }: CreatePodBody,
): Record<string, string> {
  const injected: Record<string, string> = {};
  if (startSsh && sshKeys.length > 0) injected.PUBLIC_KEY = sshKeys.join('\n');
  if (startJupyter) injected.JUPYTER_PASSWORD = 'simulated';
  return { ...injected, ...env };
}
