import { randomBytes } from 'node:crypto';
import type { Scenario } from '../../scenario.ts';
import { type Answer, Problem } from '../answer.ts';
import type { ApiRequest } from '../request.ts';

type NetworkVolume = Scenario['networkVolumes'][number];

export function getSshKeys({ world }: ApiRequest): Answer {
  return { status: 200, body: { keys: world.scenario.sshKeys } };
}

export function updateSshKeys({ world, body }: ApiRequest): Answer {
  world.scenario.sshKeys = (body as { keys: string[] }).keys;
  world.changed();
  return { status: 200, body: { keys: world.scenario.sshKeys } };
}

export function listNetworkVolumes({ world }: ApiRequest): Answer {
  return { status: 200, body: { networkVolumes: world.scenario.networkVolumes } };
}

export function getNetworkVolume(request: ApiRequest): Answer {
  return { status: 200, body: find(request) };
}

export function createNetworkVolume({ world, body }: ApiRequest): Answer {
  const { name, size, dataCenter, type } = body as Omit<NetworkVolume, 'id' | 'type'> &
    Partial<NetworkVolume>;
  const place = world.scenario.dataCenters.find(({ id }) => id === dataCenter);
  if (!place) throw new Problem(400, `data center not found: ${dataCenter}`);
  const tier = type ?? place.networkVolumeTypes[0];
  if (!tier || !place.networkVolumeTypes.includes(tier)) {
    throw new Problem(400, `data center ${dataCenter} has no such network volumes`);
  }
  const volume = { id: randomBytes(5).toString('hex'), name, size, dataCenter, type: tier };
  world.scenario.networkVolumes.push(volume);
  return { status: 201, body: volume };
}

export function updateNetworkVolume(request: ApiRequest): Answer {
  const volume = find(request);
  const { name = volume.name, size = volume.size } = request.body as Partial<NetworkVolume>;
  if (size < volume.size) throw new Problem(400, 'network volume size cannot be reduced');
  Object.assign(volume, { name, size });
  return { status: 200, body: volume };
}

export function deleteNetworkVolume(request: ApiRequest): Answer {
  const { id } = find(request);
  const { scenario, pods } = request.world;
  const isMounted = [...pods.values()].some(({ spec }) =>
    spec.mounts.network?.some(({ volumeId }) => volumeId === id),
  );
  if (isMounted) throw new Problem(400, 'network volume is attached to a pod');
  scenario.networkVolumes = scenario.networkVolumes.filter((volume) => volume.id !== id);
  return { status: 204 };
}

function find({ world, params }: ApiRequest): NetworkVolume {
  const volume = world.scenario.networkVolumes.find(({ id }) => id === params.id);
  if (!volume) throw new Problem(404, 'network volume not found');
  return volume;
}
