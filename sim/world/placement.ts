import { Problem } from '../api/answer.ts';
import { rank, type StockLevel } from '../catalog/stock.ts';
import type { Scenario } from '../scenario.ts';
import { type CudaRequest, cudaVersionsIn, hasFittingHosts, oldest } from './host-cuda.ts';
import type { Cloud } from './pod.ts';

const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

export interface GpuRequest extends CudaRequest {
  id: string;
  count: number;
  minRamPerGpu?: number;
  minVcpuCountPerGpu?: number;
}

/** What comes with each GPU: processors, and system memory in GB. */
export const VCPUS_PER_GPU = 9;
export const RAM_PER_GPU = 50;

/** The data center, and the CUDA version of the machine there: RunPod gives any that fits, the simulator the oldest. */
interface Place {
  dataCenterId: string;
  cudaVersion: string | null;
}

interface PlacementRequest {
  gpu: GpuRequest;
  cloud: Cloud;
  /** Any of these; none means anywhere. */
  dataCenterIds: readonly string[];
}

/** Where a pod goes: the data center with the most stock among those asked for. @throws Problem 400 or 403 */
export function place(scenario: Scenario, { gpu, cloud, dataCenterIds }: PlacementRequest): Place {
  const unknown = dataCenterIds.find(
    (id) => !scenario.dataCenters.some((dataCenter) => dataCenter.id === id),
  );
  if (unknown) throw new Problem(400, `data center not found: ${unknown}`);
  if (scenario.closedGpus.includes(gpu.id)) throw new Problem(403, 'access denied');
  const [best] = scenario.dataCenters
    .filter(({ id }) => dataCenterIds.length === 0 || dataCenterIds.includes(id))
    .filter(({ id }) => hasFittingHosts(scenario, gpu.id, id, gpu))
    .map(({ id }) => ({ id, level: stockLevel(scenario, gpu.id, id, { cloud, count: gpu.count }) }))
    .filter(({ level }) => level !== 'NONE')
    .sort((a, b) => rank(b.level) - rank(a.level));
  if (!best || isTooMuch(gpu)) throw new Problem(400, NO_CAPACITY);
  return { dataCenterId: best.id, cudaVersion: oldest(cudaVersionsIn(scenario, gpu.id, best.id, gpu)) };
}

function isTooMuch({ minRamPerGpu = 0, minVcpuCountPerGpu = 0 }: GpuRequest): boolean {
  return minRamPerGpu > RAM_PER_GPU || minVcpuCountPerGpu > VCPUS_PER_GPU;
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
