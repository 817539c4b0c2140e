import type { Scenario } from '../../scenario.ts';
import { stockLevel } from '../../world/placement.ts';
import { type Answer, Problem } from '../answer.ts';
import type { ApiRequest } from '../request.ts';

type DataCenter = Scenario['dataCenters'][number];

interface DataCenterQuery {
  include?: string[];
  regions?: string[];
  networkVolumeTypes?: DataCenter['networkVolumeTypes'];
  compliance?: string[];
  globalNetwork?: boolean;
}

export function listDataCenters({ world: { scenario }, query }: ApiRequest): Answer {
  const filter: DataCenterQuery = query;
  const dataCenters = scenario.dataCenters
    .filter((dataCenter) => matches(dataCenter, filter))
    .map((dataCenter) => dataCenterView(scenario, dataCenter, filter));
  return { status: 200, body: { dataCenters } };
}

export function getDataCenter({ world: { scenario }, params, query }: ApiRequest): Answer {
  const dataCenter = scenario.dataCenters.find(({ id }) => id === params.id);
  if (!dataCenter) throw new Problem(404, 'data center not found');
  return { status: 200, body: dataCenterView(scenario, dataCenter, query) };
}

function dataCenterView(
  scenario: Scenario,
  { country: _country, ...entry }: DataCenter,
  { include = [] }: DataCenterQuery,
): Record<string, unknown> {
  const gpus = scenario.gpus
    .filter(({ id }) => Object.hasOwn(scenario.stock[id] ?? {}, entry.id))
    .map(({ id, name }) => ({
      id,
      name,
      availability: stockLevel(scenario, id, entry.id, { cloud: 'SECURE', count: 1 }),
    }));
  const isShown = include.includes('GPU_AVAILABILITY') && gpus.length > 0;
  return { ...entry, ...(isShown && { gpuAvailability: gpus }) };
}

function matches(
  dataCenter: DataCenter,
  { regions, networkVolumeTypes, compliance, globalNetwork }: DataCenterQuery,
): boolean {
  return (
    (regions?.includes(dataCenter.region) ?? true) &&
    (networkVolumeTypes?.every((type) => dataCenter.networkVolumeTypes.includes(type)) ?? true) &&
    (compliance?.every((one) => dataCenter.compliance.includes(one)) ?? true) &&
    (globalNetwork === undefined || dataCenter.globalNetwork === globalNetwork)
  );
}
