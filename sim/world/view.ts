import type { Pod } from './pod.ts';

const PROXY_HOST = 'ssh.runpod.io';

/** A pod as the API shows it. */
export function podView(pod: Pod): Record<string, unknown> {
  const { spec, status } = pod;
  return {
    id: pod.id,
    name: spec.name,
    image: spec.image,
    args: spec.args,
    disk: spec.disk,
    ports: spec.ports,
    env: spec.env,
    registry: spec.registry,
    status,
    actions: pod.actions,
    mounts: spec.mounts,
    gpu: gpuView(pod),
    cloud: spec.cloud,
    dataCenterId: spec.dataCenterId,
    cudaVersion: spec.cudaVersion,
    ssh: { proxy: proxyEndpoint(pod), direct: directEndpoint(pod) },
    ...(pod.cluster && { cluster: pod.cluster }),
    template: null,
    cost: costPerHour(pod),
    locked: pod.locked,
    globalNetworking: spec.globalNetworking
      ? { enabled: true, ip: '10.65.1.42', internalDns: `${pod.id}.runpod.internal` }
      : { enabled: false },
    runtime: status === 'RUNNING' ? runtime(pod) : null,
    createdAt: pod.createdAt.toISOString(),
    startedAt: pod.startedAt?.toISOString() ?? null,
    ...pod.odd,
  };
}

/** A pod without its GPU still has a processor. */
function gpuView({ spec: { gpu }, hardware: { vcpusPerGpu, ramPerGpu } }: Pod): Record<string, unknown> {
  const shares = Math.max(1, gpu.count);
  return { ...gpu, vcpuCount: vcpusPerGpu * shares, memory: ramPerGpu * shares };
}

/** USD per hour now: nothing for a pod that is stopped. */
function costPerHour({ status, hardware, spec }: Pod): number {
  if (status === 'EXITED' || status === 'TERMINATED') return 0;
  return Math.round(hardware.pricePerGpuHour * spec.gpu.count * 1e4) / 1e4;
}

function proxyEndpoint({ id, machineId }: Pod): Record<string, unknown> {
  const username = `${id}-${machineId}`;
  return { host: PROXY_HOST, port: 22, username, command: `ssh ${username}@${PROXY_HOST}` };
}

function directEndpoint(pod: Pod): Record<string, unknown> | null {
  const address = publicSshAddress(pod);
  if (!address) return null;
  const { host, port } = address;
  return { host, port, username: 'root', command: `ssh root@${host} -p ${port}` };
}

function publicSshAddress(pod: Pod): { host: string; port: number } | null {
  if (pod.status !== 'RUNNING' || pod.isStopping || !pod.spec.ports.includes('22/tcp')) return null;
  if (!pod.hardware.hasPublicIp) return null;
  if (pod.sshEndpoint) return pod.sshEndpoint;
  return pod.sshd.port === null ? null : { host: pod.sshd.host, port: pod.sshd.port };
}

function runtime(pod: Pod): Record<string, unknown> {
  const address = publicSshAddress(pod);
  const isBusy = pod.comfyui.queue.running.length > 0;
  return {
    uptime: Math.floor((Date.now() - (pod.startedAt?.getTime() ?? Date.now())) / 1000),
    gpus: Array.from({ length: pod.spec.gpu.count }, () => ({
      util: isBusy ? 97 : 0,
      memoryUtil: isBusy ? 41 : 1,
    })),
    cpu: { util: isBusy ? 12 : 2 },
    memory: { util: 7 },
    ports: address ? [{ private: 22, public: address.port, type: 'tcp', ip: address.host }] : [],
  };
}
