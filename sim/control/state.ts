import type { Pod } from '../world/pod.ts';
import { podView } from '../world/view.ts';
import type { World } from '../world/world.ts';

/** Everything inside the world, for tests and the curious. */
export function stateOf(world: World): Record<string, unknown> {
  return {
    createCount: world.createCount,
    runningPodCount: world.runningPods.length,
    requestCounts: world.requests.counts(),
    pendingFaults: world.faults.pending,
    pods: [...world.pods.values()].map(podState),
  };
}

function podState(pod: Pod): Record<string, unknown> {
  const { sshd, comfyui } = pod;
  return {
    ...podView(pod),
    sim: {
      boots: pod.boots,
      isStopping: pod.isStopping,
      sshd: { state: sshd.state, host: sshd.host, port: sshd.port, connections: sshd.connectionCount },
      sshEndpoint: pod.sshEndpoint,
      comfyui: {
        state: comfyui.state,
        version: comfyui.version,
        connections: comfyui.connectionCount,
        running: comfyui.queue.running.length,
        pending: comfyui.queue.pending.length,
        listeners: [...pod.listeners].map((listener) => listener.address()),
      },
      logLines: pod.log.lines.length,
    },
  };
}
