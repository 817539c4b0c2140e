import { bestLevel } from '../../catalog/stock.ts';
import type { Scenario } from '../../scenario.ts';
import { isAtLeast, stockLevel } from '../../world/placement.ts';
import type { Cloud } from '../../world/pod.ts';
import { type Answer, Problem } from '../answer.ts';
import type { ApiRequest } from '../request.ts';

type Gpu = Scenario['gpus'][number];

interface AvailabilityQuery {
  include?: string[];
  product?: string[];
  count?: number;
  cloud?: Cloud;
  countryCodes?: string[];
  cudaVersions?: string[];
  minCudaVersion?: string;
}

export function listGpuTypes({ world: { scenario }, query }: ApiRequest): Answer {
  const filter = readQuery(query);
  const gpus = scenario.gpus.filter((gpu) => isInCountries(scenario, gpu, filter));
  return { status: 200, body: { gpus: gpus.map((gpu) => gpuView(scenario, gpu, filter)) } };
}

export function getGpuType({ world: { scenario }, params, query }: ApiRequest): Answer {
  const filter = readQuery(query);
  const gpu = scenario.gpus.find(({ id }) => id === params.id);
  if (!gpu) throw new Problem(404, 'gpu type not found');
  return { status: 200, body: gpuView(scenario, gpu, filter) };
}

/** The rules between the parameters. @throws Problem 400 */
function readQuery(raw: Record<string, unknown>): AvailabilityQuery {
  const query: AvailabilityQuery = raw;
  const wantsAvailability = query.include?.includes('AVAILABILITY') ?? false;
  if (wantsAvailability && !query.product?.length) {
    throw new Problem(400, 'product is required with include=AVAILABILITY');
  }
  for (const name of [
    'product',
    'count',
    'cloud',
    'countryCodes',
    'cudaVersions',
    'minCudaVersion',
  ] as const) {
    if (!wantsAvailability && query[name] !== undefined) {
      throw new Problem(400, `${name} is valid only with include=AVAILABILITY`);
    }
  }
  if (query.cudaVersions !== undefined && query.minCudaVersion !== undefined) {
    throw new Problem(400, 'cudaVersions and minCudaVersion are mutually exclusive');
  }
  return query;
}

function gpuView(scenario: Scenario, gpu: Gpu, query: AvailabilityQuery): Record<string, unknown> {
  const { cudaVersions, ...entry } = gpu;
  if (!query.include?.length) return entry;
  const matching = cudaVersions.filter((version) => matchesCuda(version, query));
  const isCudaAsked = query.cudaVersions !== undefined || query.minCudaVersion !== undefined;
  const dataCenters = isCudaAsked && matching.length === 0 ? [] : levelsByDataCenter(scenario, gpu, query);
  const availability = bestLevel(dataCenters.map((dataCenter) => dataCenter.availability));
  return {
    ...entry,
    availability,
    ...(availability !== 'NONE' && { dataCenters }),
    ...(matching.length > 0 && {
      cudaVersions: matching.map((version) => ({ version, available: availability !== 'NONE' })),
    }),
  };
}

function levelsByDataCenter(scenario: Scenario, { id: gpuId }: Gpu, query: AvailabilityQuery) {
  const { cloud = 'SECURE', count = 1, countryCodes } = query;
  return scenario.dataCenters
    .filter(({ id }) => Object.hasOwn(scenario.stock[gpuId] ?? {}, id))
    .filter(({ country }) => countryCodes?.includes(country) ?? true)
    .map(({ id, name }) => ({ id, name, availability: stockLevel(scenario, gpuId, id, { cloud, count }) }));
}

function isInCountries(scenario: Scenario, gpu: Gpu, query: AvailabilityQuery): boolean {
  return query.countryCodes === undefined || levelsByDataCenter(scenario, gpu, query).length > 0;
}

function matchesCuda(version: string, { cudaVersions, minCudaVersion }: AvailabilityQuery): boolean {
  if (cudaVersions) return cudaVersions.includes(version);
  return minCudaVersion === undefined || isAtLeast(version, minCudaVersion);
}
