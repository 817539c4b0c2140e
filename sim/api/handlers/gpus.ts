import { bestLevel, type StockLevel } from '../../catalog/stock.ts';
import type { Scenario } from '../../scenario.ts';
import { type CudaRequest, cudaVersionsIn, hasFittingHosts } from '../../world/host-cuda.ts';
import { stockLevel } from '../../world/placement.ts';
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

interface Level {
  id: string;
  name: string;
  availability: StockLevel;
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
  const { cudaVersions: _versions, ...entry } = gpu;
  if (!query.include?.length) return entry;
  const dataCenters = levelsByDataCenter(scenario, gpu, query);
  const availability = bestLevel(dataCenters.map((dataCenter) => dataCenter.availability));
  const cudaVersions = versionsOffered(scenario, gpu, query, dataCenters);
  return {
    ...entry,
    availability,
    ...(availability !== 'NONE' && { dataCenters }),
    ...(cudaVersions.length > 0 && { cudaVersions }),
  };
}

/** The data centers that offer this GPU in the requested configuration, sold out or not. */
function levelsByDataCenter(scenario: Scenario, { id: gpuId }: Gpu, query: AvailabilityQuery): Level[] {
  const { cloud = 'SECURE', count = 1, countryCodes } = query;
  return scenario.dataCenters
    .filter(({ id }) => Object.hasOwn(scenario.stock[gpuId] ?? {}, id))
    .filter(({ country }) => countryCodes?.includes(country) ?? true)
    .filter(({ id }) => hasFittingHosts(scenario, gpuId, id, cudaAsked(query)))
    .map(({ id, name }) => ({ id, name, availability: stockLevel(scenario, gpuId, id, { cloud, count }) }));
}

function versionsOffered(scenario: Scenario, { id: gpuId }: Gpu, query: AvailabilityQuery, places: Level[]) {
  const offered = new Map<string, boolean>();
  for (const { id, availability } of places) {
    for (const version of cudaVersionsIn(scenario, gpuId, id, cudaAsked(query))) {
      offered.set(version, offered.get(version) === true || availability !== 'NONE');
    }
  }
  return [...offered].map(([version, available]) => ({ version, available }));
}

function isInCountries(scenario: Scenario, gpu: Gpu, query: AvailabilityQuery): boolean {
  return query.countryCodes === undefined || levelsByDataCenter(scenario, gpu, query).length > 0;
}

function cudaAsked({ cudaVersions, minCudaVersion }: AvailabilityQuery): CudaRequest {
  return { allowedCudaVersions: cudaVersions, minCudaVersion };
}
