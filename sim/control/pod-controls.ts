import * as z from 'zod';
import type { Pod } from '../world/pod.ts';
import type { World } from '../world/world.ts';
import { controlComfyUi } from './comfy-control.ts';

type PodControl = (world: World, pod: Pod, body: unknown) => void | Promise<void>;

const sshdBody = z.strictObject({
  /** `down` closes the port and cuts connections, `refusing` only closes the port, `frozen` keeps all silent. */
  state: z.enum(['up', 'down', 'refusing', 'frozen']).optional(),
  /** Cuts the connections that are up. */
  drop: z.boolean().default(false),
});

const shellBody = z.strictObject({
  manner: z.enum(['plain', 'hanging', 'talking', 'forced']).default('plain'),
  delayMs: z.number().nonnegative().default(0),
});

const useBody = z.strictObject({
  shells: z.int().nonnegative().optional(),
  copies: z.int().nonnegative().optional(),
  ticks: z.int().nonnegative().optional(),
  bytes: z.int().nonnegative().optional(),
  gpu: z.int().min(0).max(100).optional(),
});

const ignoreStopsBody = z.strictObject({
  /** How many stops RunPod takes without doing them; null for all. */
  times: z.int().nonnegative().nullable().default(null),
});

const endpointBody = z.union([
  z.strictObject({ host: z.string(), port: z.int().positive() }),
  z.strictObject({ host: z.null() }),
]);

const listenerBody = z.union([
  z.strictObject({ port: z.int().nonnegative() }),
  z.strictObject({ path: z.string() }),
]);

const logBody = z.strictObject({
  source: z.enum(['container', 'system']).default('container'),
  lines: z.array(z.string()),
});

const copyBody = z.strictObject({
  name: z.string().optional(),
  /** Changes in its environment. */
  env: z.record(z.string(), z.string()).default({}),
  /** When RunPod says that it was made: so long after the pod it is copied from. Now, unless told. */
  createdMsLater: z.number().optional(),
});

/** What can be done to a pod from outside RunPod's rules, by the name in the path. */
export const POD_CONTROLS: Readonly<Record<string, PodControl>> = {
  /** Restarts the container in place: a new port. */
  restart: (world, pod) => world.restart(pod),
  /** The container ends by itself. */
  exit: (world, pod) => world.halt(pod, 'EXITED'),
  error: (world, pod) => world.halt(pod, 'ERROR'),
  terminate: (world, pod) => world.terminate(pod),
  /** Another pod like it, its name and environment included, as the console makes of one. */
  copy: (world, pod, body) => {
    copyPod(world, pod, copyBody.parse(body));
  },
  /** RunPod's own migration: another pod like it, and the pod itself is stopped and has lost its GPU. */
  migrate: (world, pod, body) => {
    copyPod(world, pod, copyBody.parse(body));
    pod.spec.gpu = { ...pod.spec.gpu, count: 0 };
    world.halt(pod, 'EXITED');
  },
  sshd: async (_world, pod, body) => {
    const { state, drop } = sshdBody.parse(body);
    if (state === 'up') await pod.sshd.listen();
    if (state === 'frozen') pod.sshd.freeze();
    if (state === 'refusing' || state === 'down') pod.sshd.refuse();
    if (drop || state === 'down') pod.sshd.dropAll();
  },
  /** The login shell from the next session on. */
  shell: (_world, pod, body) => {
    pod.shell = shellBody.parse(body);
  },
  /** What the pod is at besides ComfyUI's jobs. */
  use: (_world, pod, body) => {
    const told = Object.entries(useBody.parse(body)).filter(([, count]) => count !== undefined);
    pod.use = { ...pod.use, ...Object.fromEntries(told) };
  },
  /** Whether the container has a key of its own. */
  'own-key': (_world, pod, body) => {
    pod.hasOwnKey = z.strictObject({ isThere: z.boolean() }).parse(body).isThere;
  },
  /** RunPod takes a stop of it and does nothing. */
  'ignore-stops': (_world, pod, body) => {
    pod.ignoredStops = ignoreStopsBody.parse(body ?? {}).times ?? Number.POSITIVE_INFINITY;
  },
  /** Fields of the pod that are shown as given, whatever the API document says. */
  odd: (_world, pod, body) => {
    pod.odd = z.record(z.string(), z.unknown()).parse(body);
  },
  /** Variables of the container's environment that are not as the create had them. */
  env: (_world, pod, body) => {
    pod.envInside = z.record(z.string(), z.string()).parse(body);
  },
  comfy: (_world, { comfyui }, body) => controlComfyUi(comfyui, body),
  /** Lets ComfyUI be reached at a loopback port (0: any) or a Unix socket. */
  'comfy-listener': (_world, pod, body) => pod.listen(listenerBody.parse(body)),
  /** Shows another address as `ssh.direct`; `{"host": null}` takes it back. */
  'ssh-endpoint': (_world, pod, body) => {
    const endpoint = endpointBody.parse(body);
    pod.sshEndpoint = endpoint.host === null ? null : endpoint;
  },
  /** Adds lines to the pod's log. */
  log: (_world, pod, body) => {
    const { source, lines } = logBody.parse(body);
    pod.log.add(source, ...lines);
  },
};

function copyPod(
  world: World,
  { spec, createdAt }: Pod,
  { name, env, createdMsLater }: z.output<typeof copyBody>,
): void {
  const { gpu, mounts, ports, image, disk, cloud, dataCenterId } = spec;
  const copy = world.createPod({
    name: name ?? spec.name,
    image,
    disk,
    cloud,
    ports,
    mounts,
    gpu: { ...gpu },
    dataCenterIds: [dataCenterId],
    env: { ...spec.env, ...env },
  });
  if (createdMsLater !== undefined) copy.createdAt = new Date(createdAt.getTime() + createdMsLater);
}
