import { randomBytes } from 'node:crypto';
import { AutopodError } from '../../errors.ts';
import type { AccessWish, Cloud, ExposedPort, PodWish } from '../../machines/pod-types.ts';
import type { Config } from '../../services/config.ts';
import { cudaFloor } from '../../services/runpod/cuda.ts';
import { usualLocalPort } from '../../services/usual-local-port.ts';
import type { AutoStopOptions } from '../money/schedule.ts';
import { cloudType } from './options.ts';

/** Options `up` and `connect` share. */
export interface LaunchOptions extends WaitOptions, AutoStopOptions {
  gpu?: string[];
  gpuCount?: number;
  /** Or `none`. */
  minCuda?: string;
  diskSize: number;
  datacenter?: string;
  template?: string;
  cloudType?: Cloud;
  volumeId?: string;
  /** False with `--no-volume`, whatever config.json says. */
  volume?: boolean;
  volumeMount?: string;
  expose?: ExposedPort[];
  exposeAll?: boolean;
  name?: string;
  dryRun?: boolean;
  yes?: boolean;
  new?: boolean;
  jsonStream?: boolean;
  /** True, or the address of a WebSocket on this machine. */
  inspect?: string | true;
}

/** Options of every command that ends at a ComfyUI that answers. */
export interface WaitOptions {
  json?: boolean;
  tunnel: boolean;
  localPort?: number | 'auto';
}

/** What to create: flags over the configuration. Throws `usage` or `volumeNeedsSecureCloud` for what cannot be. */
export function podWish(options: LaunchOptions, config: Config): PodWish {
  const image = options.template ?? config.image;
  const cloud = options.cloudType ?? configuredCloud(config);
  const isWithout = options.volume === false;
  if (isWithout && options.volumeId !== undefined) {
    throw new AutopodError('usage', { message: '--volume-id and --no-volume exclude each other.' });
  }
  const volumeId = isWithout ? undefined : (options.volumeId ?? config.volumeId);
  const dataCenterId = options.datacenter ?? config.dataCenterId?.toUpperCase();
  const minCudaVersion = cudaFloor(options.minCuda ?? config.minCudaVersion, image);
  const volumeMount = options.volumeMount ?? config.volumeMount;
  const gpuPreferences = options.gpu ?? config.gpuPreferences;
  if (volumeId !== undefined && cloud === 'COMMUNITY') {
    throw new AutopodError('volumeNeedsSecureCloud', { volumeId });
  }
  if (!volumeMount.startsWith('/')) {
    throw new AutopodError('usage', {
      message: `--volume-mount takes an absolute path, not “${volumeMount}”.`,
    });
  }
  if (gpuPreferences.length === 0) {
    throw new AutopodError('usage', { message: 'No GPU is named: use --gpu, or defaults.gpu_preferences.' });
  }
  return {
    name: options.name ?? defaultName(new Date()),
    image,
    gpuPreferences,
    gpuCount: options.gpuCount ?? config.gpuCount,
    ...(minCudaVersion !== undefined && { minCudaVersion }),
    diskGb: options.diskSize,
    cloud,
    ...(dataCenterId !== undefined && { dataCenterId }),
    ...(volumeId !== undefined && { volumeId, isVolumeDefault: options.volumeId === undefined }),
    volumeMount,
    exposedPorts: exposedPorts(options, config.portTemplates[image] ?? {}),
  };
}

/** Of a pod that is there: nothing is made from it, it only tells what the pod is called. */
export function wishOfFound({ name, image }: Pick<PodWish, 'name' | 'image'>): PodWish {
  return {
    name,
    image,
    gpuPreferences: [],
    gpuCount: 1,
    diskGb: 0,
    cloud: 'SECURE',
    volumeMount: '/workspace',
    exposedPorts: [],
  };
}

export function accessWish({ tunnel, localPort }: Pick<WaitOptions, 'tunnel' | 'localPort'>): AccessWish {
  return {
    keepTunnel: tunnel,
    localPort: localPort ?? usualLocalPort(),
    ...(localPort !== undefined && { isPortAsked: true }),
  };
}

/** What these options ask of this run: only what they say. */
export function accessChange(options: Pick<WaitOptions, 'tunnel' | 'localPort'>): { access?: AccessWish } {
  const isSaid = options.localPort !== undefined || !options.tunnel;
  return isSaid ? { access: accessWish(options) } : {};
}

/** Whether the command line says anything about how a pod is to be created. */
export function hasCreateOptions(options: LaunchOptions): boolean {
  const {
    gpu,
    gpuCount,
    minCuda,
    datacenter,
    template,
    cloudType: cloud,
    volumeId,
    volume,
    volumeMount,
    expose,
    exposeAll,
    name,
  } = options;
  return [
    gpu,
    gpuCount,
    minCuda,
    datacenter,
    template,
    cloud,
    volumeId,
    volume === false ? volume : undefined,
    volumeMount,
    expose,
    exposeAll,
    name,
  ].some((value) => value !== undefined);
}

/** config.json is edited by hand: an unknown tier there is named like one on the command line, as `configMalformed`. */
export function configuredCloud({ cloud }: Config): Cloud {
  try {
    return cloudType(cloud);
  } catch {
    throw new AutopodError('configMalformed', {
      file: 'config.json',
      place: 'providers.runpod.cloud_type',
      reason: `“${cloud}” is not SECURE, COMMUNITY or ALL`,
    });
  }
}

function exposedPorts(
  { expose = [], exposeAll }: LaunchOptions,
  template: Record<string, string>,
): ExposedPort[] {
  const asked = new Map(expose.map((exposed) => [exposed.port, exposed]));
  if (!exposeAll) return [...asked.values()];
  if (Object.keys(template).length === 0) {
    throw new AutopodError('usage', {
      message: '--expose-all: config.json names no port_templates for this image.',
    });
  }
  for (const [port, label] of Object.entries(template)) {
    if (!asked.has(Number(port))) asked.set(Number(port), { port: Number(port), label });
  }
  return [...asked.values()];
}

function defaultName(now: Date): string {
  // Two pods of one minute have two names, for a name is a way to say which one is meant.
  const suffix = randomBytes(2).toString('hex');
  return `autopod-${now.toISOString().slice(0, 16).replaceAll(/[-:T]/g, '')}-${suffix}`;
}
