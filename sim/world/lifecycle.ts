import type { Latencies } from '../scenario.ts';
import {
  type ComfyEnd,
  comfyStartLines,
  containerStartLines,
  type ImageRelease,
  imagePresentLines,
  imagePullLines,
} from './boot-lines.ts';
import type { Pod, PodStatus } from './pod.ts';
import { saySlowly, wait } from './wait.ts';

/** What the lifecycle of a pod needs from the world around it. */
export interface Surroundings {
  latencies: () => Latencies;
  /** How a pod's ComfyUI starts now. */
  comfyStart: (pod: Pod) => { release: ImageRelease; end: ComfyEnd | undefined };
  changed: () => void;
  statusChanged: (pod: Pod) => void;
}

/** Takes a pod from PROVISIONING, or from STARTING for a restart in place, to a ComfyUI that answers. */
export function boot(
  pod: Pod,
  world: Surroundings,
  from: 'PROVISIONING' | 'STARTING' = 'PROVISIONING',
): void {
  const signal = pod.interrupt();
  const powerOff = pod.powerOff();
  pod.boots += 1;
  pod.isStopping = false;
  enter(pod, world, from);
  background(async () => {
    await powerOff;
    await climb(pod, world, from, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      pod.log.add('system', `simulator: ${String(error)}`);
      halt(pod, world, 'ERROR');
    });
  });
}

/** Stops a pod: what runs in it ends at once, EXITED comes later. */
export function stop(pod: Pod, world: Surroundings): void {
  if (pod.ignoredStops > 0) {
    pod.ignoredStops -= 1;
    return;
  }
  const { stopMs } = world.latencies();
  if (stopMs === 0) {
    halt(pod, world, 'EXITED');
    return;
  }
  const signal = pod.interrupt();
  pod.isStopping = true;
  pod.log.add('system', 'stop container');
  world.changed();
  background(async () => {
    await Promise.all([pod.powerOff(), wait(stopMs, signal)]);
    halt(pod, world, 'EXITED');
  });
}

/** Ends a pod at once in a state it does not leave by itself. */
export function halt(pod: Pod, world: Surroundings, status: 'EXITED' | 'ERROR' | 'TERMINATED'): void {
  pod.interrupt();
  pod.isStopping = false;
  background(() => pod.powerOff());
  pod.log.add('system', status === 'TERMINATED' ? 'remove container' : `container ${status.toLowerCase()}`);
  enter(pod, world, status);
}

async function climb(pod: Pod, world: Surroundings, from: PodStatus, signal: AbortSignal): Promise<void> {
  const latencies = world.latencies();
  const isFirstBoot = pod.boots === 1;
  const phases = isFirstBoot ? latencies : latencies.laterBoot;
  if (from === 'PROVISIONING') {
    await wait(phases.provisioningMs, signal);
    enter(pod, world, 'STARTING');
  }

  const { image } = pod.spec;
  const pullLines = isFirstBoot ? imagePullLines(image) : imagePresentLines(image);
  await saySlowly(pullLines, phases.imagePullMs, signal, (line) => pod.log.add('system', line));
  pod.startedAt = new Date();
  pod.log.add('system', `start container ${image}`);
  enter(pod, world, 'RUNNING');

  if (!pod.hardware.hasPublicIp) return;
  await wait(latencies.publicPortMs, signal);
  await pod.sshd.prepare();
  signal.throwIfAborted();
  world.changed();
  await wait(phases.sshdMs, signal);
  pod.changedKeys = null;
  pod.keysLetInFrom = Date.now() + latencies.authorizedKeysMs;
  await pod.sshd.listen();
  signal.throwIfAborted();
  world.changed();

  const { id } = pod.spec.gpu;
  const { release, end } = world.comfyStart(pod);
  const start = {
    release,
    version: pod.comfyui.version,
    gpu: { id, memory: pod.hardware.gpuMemory },
    firstBoot: isFirstBoot,
    end,
  };
  pod.comfyLogFile = release === '1.2' ? [] : null;
  pod.log.add('container', ...containerStartLines(start));
  await saySlowly(comfyStartLines(start), phases.comfyStartMs, signal, (line) => {
    if (pod.comfyLogFile) pod.comfyLogFile.push(line);
    else pod.log.add('container', line);
  });
  if (end === undefined) pod.comfyui.start();
  world.changed();
}

function enter(pod: Pod, world: Surroundings, status: PodStatus): void {
  pod.status = status;
  world.statusChanged(pod);
}

function background(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
  });
}
