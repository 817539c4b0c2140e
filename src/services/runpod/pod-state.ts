import type { Pod } from './shapes.ts';

export type PodCondition = 'pending' | 'running' | 'stopped' | 'broken' | 'gone';

/** A pod as the rest of autopod sees it. */
export interface PodSeen {
  podId: string;
  condition: PodCondition;
  /** The pod's own sshd; absent until it has a public port. */
  ssh: { host: string; port: number; user: string } | undefined;
  /** Whether it can have one: without 22/tcp among its ports no ssh ever gets there. */
  hasSshPort: boolean;
  /** Changes with each start. */
  bootId: string;
  /** USD; 0 while stopped. */
  costPerHour: number;
  uptimeSeconds: number;
  gpuName: string | undefined;
  gpuCount: number;
  cloud: 'SECURE' | 'COMMUNITY';
  dataCenterId: string | undefined;
  volume: { volumeId: string; path: string } | undefined;
  ports: string[];
  isLocked: boolean;
  /** It still runs, but RunPod takes no stop any more: one is under way. */
  isStopping: boolean;
}

const CONDITIONS: Record<string, PodCondition> = {
  PROVISIONING: 'pending',
  STARTING: 'pending',
  RUNNING: 'running',
  EXITED: 'stopped',
  ERROR: 'broken',
  TERMINATED: 'gone',
};

/** Reads a pod. A status RunPod adds later counts as pending: worth another look, never worth an act. */
export function observePod(pod: Pod): PodSeen {
  const { direct } = pod.ssh ?? {};
  const volume = pod.mounts?.network?.[0];
  return {
    podId: pod.id,
    condition: CONDITIONS[pod.status] ?? 'pending',
    ssh: direct ? { host: direct.host, port: direct.port, user: direct.username } : undefined,
    hasSshPort: pod.ports ? pod.ports.includes('22/tcp') : Boolean(direct),
    bootId: pod.startedAt ?? pod.createdAt ?? '',
    costPerHour: pod.cost ?? 0,
    uptimeSeconds: pod.runtime?.uptime ?? 0,
    gpuName: pod.gpu ? (pod.gpu.id ?? 'unreadable') : undefined,
    gpuCount: pod.gpu ? (pod.gpu.count ?? 1) : 0,
    cloud: pod.cloud === 'COMMUNITY' ? 'COMMUNITY' : 'SECURE',
    dataCenterId: pod.dataCenterId ?? undefined,
    volume: volume && { volumeId: volume.volumeId, path: volume.path },
    ports: pod.ports ?? [],
    isLocked: pod.locked ?? false,
    isStopping: pod.status === 'RUNNING' && pod.actions?.includes('stop') === false,
  };
}

/** What a look tells of the pod's cost: running time only, at the present rate. */
export function costSighting({ podId, bootId, condition, uptimeSeconds, costPerHour }: PodSeen): {
  podId: string;
  bootId: string;
  isRunning: boolean;
  /** USD since the pod was last started. */
  spent: number;
} {
  return { podId, bootId, isRunning: condition === 'running', spent: (uptimeSeconds / 3600) * costPerHour };
}
