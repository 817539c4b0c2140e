import { Problem } from '../api/answer.ts';
import { rank, type StockLevel } from '../catalog/stock.ts';
import type { Scenario } from '../scenario.ts';
import type { Cloud } from './pod.ts';

const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

export interface GpuRequest {
  id: string;
  count: number;
  allowedCudaVersions?: string[];
  minCudaVersion?: string;
  minRamPerGpu?: number;
  minVcpuCountPerGpu?: number;
}

/** What comes with each GPU: processors, and system memory in GB. */
export const VCPUS_PER_GPU = 9;
export const RAM_PER_GPU = 50;

interface PlacementRequest {
  gpu: GpuRequest;
  cloud: Cloud;
  /** Any of these; none means anywhere. */
  dataCenterIds: readonly string[];
}

/** The data center with the most stock among those asked for. @throws Problem 400 or 403 */
export function place(scenario: Scenario, { gpu, cloud, dataCenterIds }: PlacementRequest): string {
  const unknown = dataCenterIds.find(
    (id) => !scenario.dataCenters.some((dataCenter) => dataCenter.id === id),
  );
  if (unknown) throw new Problem(400, `data center not found: ${unknown}`);
  if (scenario.closedGpus.includes(gpu.id)) throw new Problem(403, 'access denied');
  const [best] = scenario.dataCenters
    .filter(({ id }) => dataCenterIds.length === 0 || dataCenterIds.includes(id))
    .map(({ id }) => ({ id, level: stockLevel(scenario, gpu.id, id, { cloud, count: gpu.count }) }))
    .filter(({ level }) => level !== 'NONE')
    .sort((a, b) => rank(b.level) - rank(a.level));
  if (!best || cudaVersionsFor(scenario, gpu).length === 0) throw new Problem(400, NO_CAPACITY);
  return best.id;
}

/** How much of a GPU type there is in a data center, for a pod of this size in this cloud. */
export function stockLevel(
  scenario: Scenario,
  gpuId: string,
  dataCenterId: string,
  { cloud, count }: { cloud: Cloud; count: number },
): StockLevel {
  const gpu = scenario.gpus.find(({ id }) => id === gpuId);
  if (!gpu) return 'NONE';
  const isOffered = cloud === 'SECURE' ? gpu.secure : gpu.community;
  const maxCount = cloud === 'SECURE' ? gpu.maxCount.secure : gpu.maxCount.community;
  if (!isOffered || count > maxCount) return 'NONE';
  return scenario.stock[gpuId]?.[dataCenterId] ?? 'NONE';
}

function cudaVersionsFor(scenario: Scenario, gpu: PlacementRequest['gpu']): string[] {
  const versions = scenario.gpus.find(({ id }) => id === gpu.id)?.cudaVersions ?? [];
  const allowed = gpu.allowedCudaVersions ?? [];
  if (allowed.length === 0 && gpu.minCudaVersion === undefined) return ['any'];
  return versions.filter((version) =>
    allowed.length > 0 ? allowed.includes(version) : isAtLeast(version, gpu.minCudaVersion ?? '0'),
  );
}

/** Compares CUDA versions as numbers: 12.11 is above 12.2. A bare major stands for its first release. */
export function isAtLeast(version: string, floor: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}
