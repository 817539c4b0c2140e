import { AutopodError } from '../../errors.ts';
import type { GpuType } from './shapes.ts';

export type CloudTier = 'SECURE' | 'COMMUNITY';

export interface PlacementQuery {
  /** Most wanted first. */
  gpus: GpuType[];
  /** All types, for telling what is in stock instead. */
  catalog: GpuType[];
  gpuCount: number;
  cloud: CloudTier;
  /** The CUDA version of hosts that the catalogue was asked for, and what it says of all hosts. */
  floor?: { minCudaVersion: string; catalog: GpuType[] };
  /** Where the pod must be: the volume's data center, or the asked one. */
  dataCenterId?: string;
}

export interface PlacementCandidate {
  gpuId: string;
  gpuName: string;
  dataCenterId?: string;
  cloud: CloudTier;
  stock: string;
  pricePerHour: number;
}

/** What could be had, were it not for the CUDA version its hosts have. */
export interface BelowFloor {
  gpuName: string;
  dataCenterId?: string;
  cloud: CloudTier;
  minCudaVersion: string;
}

const STOCK_RANK: Record<string, number> = { HIGH: 0, MEDIUM: 1, LOW: 2, NONE: 3 };

/**
 * Candidates in the order worth trying: those the catalogue says are in stock by preference, then the others by
 * preference, for the catalogue is a hint and no reservation. A GPU that the place never offers is left out, and
 * so is one that is in stock on too old hosts alone.
 * Throws `gpuOutOfStock` naming what is in stock there when nothing asked for is, and `usage` when no machine
 * of any asked type has that many GPUs.
 */
export function planPlacement(query: PlacementQuery): PlacementCandidate[] {
  const fitting = query.gpus.filter((gpu) => query.gpuCount <= maxCount(gpu, query.cloud));
  if (fitting.length === 0) throw tooMany(query);
  const tooOld = new Set(belowFloor(query).map(({ gpuName }) => gpuName));
  const candidates = fitting
    .filter(({ name }) => !tooOld.has(name))
    .map((gpu) => candidate(gpu, query))
    .filter((found) => found !== undefined)
    .toSorted((a, b) => Number(a.stock === 'NONE') - Number(b.stock === 'NONE'));
  if (candidates.every(({ stock }) => stock === 'NONE')) throw outOfStock(query);
  return candidates;
}

/** Of the GPUs asked for, those that are in stock on hosts below the floor and on no other. */
export function belowFloor(query: PlacementQuery): BelowFloor[] {
  const { gpus, cloud, dataCenterId, gpuCount, floor } = query;
  if (!floor) return [];
  const { minCudaVersion } = floor;
  return gpus
    .filter((gpu) => gpuCount <= maxCount(gpu, cloud) && !isInStock(gpu, dataCenterId))
    .filter(({ id }) => floor.catalog.some((gpu) => gpu.id === id && isInStock(gpu, dataCenterId)))
    .map(({ name }) => ({
      gpuName: name,
      ...(dataCenterId !== undefined && { dataCenterId }),
      cloud,
      minCudaVersion,
    }));
}

function isInStock(gpu: GpuType, dataCenterId: string | undefined): boolean {
  return (stockOf(gpu, dataCenterId) ?? 'NONE') !== 'NONE';
}

function candidate(gpu: GpuType, query: PlacementQuery): PlacementCandidate | undefined {
  const stock = stockOf(gpu, query.dataCenterId);
  if (stock === undefined) return undefined;
  const unit = (query.cloud === 'SECURE' ? gpu.price.secure : gpu.price.community) ?? 0;
  return {
    gpuId: gpu.id,
    gpuName: gpu.name,
    ...(query.dataCenterId !== undefined && { dataCenterId: query.dataCenterId }),
    cloud: query.cloud,
    stock,
    pricePerHour: unit * query.gpuCount,
  };
}

/** Stock in one data center, or the best anywhere; undefined where the GPU is not offered at all. */
function stockOf(gpu: GpuType, dataCenterId: string | undefined): string | undefined {
  const places = gpu.dataCenters ?? [];
  if (dataCenterId !== undefined) return places.find(({ id }) => id === dataCenterId)?.availability;
  const best = places.map(({ availability }) => availability).toSorted((a, b) => rank(a) - rank(b))[0];
  return gpu.availability ?? best ?? 'NONE';
}

function rank(stock: string): number {
  return STOCK_RANK[stock] ?? 2;
}

/** How many of them one machine has at most, where RunPod says. */
export function maxCount({ maxCount: most }: GpuType, cloud: CloudTier): number {
  return (cloud === 'SECURE' ? most?.secure : most?.community) ?? Number.POSITIVE_INFINITY;
}

function tooMany({ gpus, gpuCount, cloud }: PlacementQuery): AutopodError {
  const most = gpus.map((gpu) => `${gpu.name}: ${maxCount(gpu, cloud)}`).join(', ');
  return new AutopodError('usage', {
    message: `No machine in this cloud has ${gpuCount} of these GPUs. The most on one machine: ${most}.`,
    next: 'Ask for fewer with --gpu-count, or name other GPUs.',
  });
}

function outOfStock(query: PlacementQuery): AutopodError {
  const { gpus, catalog, gpuCount, cloud, dataCenterId, floor } = query;
  const inStock = catalog
    .filter((gpu) => gpuCount <= maxCount(gpu, cloud))
    .map((gpu) => ({ name: gpu.name, stock: stockOf(gpu, dataCenterId) ?? 'NONE' }))
    .filter(({ stock }) => stock !== 'NONE')
    .toSorted((a, b) => rank(a.stock) - rank(b.stock))
    .map(({ name, stock }) => `${name} (${stock.toLowerCase()})`);
  const place = dataCenterId ?? 'any data center';
  const asked = gpus.map(({ name }) => `${name} in ${place}`);
  const tooOld = belowFloor(query).map(({ gpuName }) => `${gpuName} in ${place}`);
  return new AutopodError('gpuOutOfStock', {
    asked,
    inStock,
    ...(floor && tooOld.length > 0 && { tooOld, minCudaVersion: floor.minCudaVersion }),
  });
}
