import type { PoolView } from '../../fleet/wire-jobs.ts';
import { hasCreateOptions, type LaunchOptions, podWish } from '../arguments/wishes.ts';
import { confirm } from '../asking/ask.ts';
import type { Context } from '../context.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { fleetText } from '../text/fleet.ts';
import { uptimeWords } from '../text/uptime.ts';
import type { Verb } from '../verb.ts';
import { panel, type Row } from '../views/panel.ts';
import { table } from '../views/table.ts';
import { jobClient } from './job-client.ts';

interface PoolOptions extends Omit<LaunchOptions, 'diskSize'> {
  diskSize?: number;
  min?: number;
  max?: number;
  idle?: number;
  patience?: number;
}

export const poolList: Verb<object> = async (context) => {
  const { out } = context;
  const pools = await jobClient(context).pools();
  if (out.isJson) out.json({ pools });
  else if (pools.length === 0) out.say(fleetText.noPools());
  else
    out.line(
      table(['POOL', 'OWNER', 'PODS', 'READY', 'WAITING', 'AT WORK', 'GPU'], pools.map(cells), out.screen, [
        'OWNER',
        'GPU',
      ]),
    );
  return 0;
};

export const poolShow: Verb<object> = async (context, name = '') => {
  const pool = await jobClient(context).pool(name);
  if (context.out.isJson) context.out.json(pool);
  else context.out.line(panel(`Pool ${pool.name}`, rows(pool), context.out.screen));
  return 0;
};

export const poolCreate: Verb<PoolOptions> = async (context, name = '', options) =>
  set(context, name, options, true);

export const poolChange: Verb<PoolOptions> = async (context, name = '', options) =>
  set(context, name, options, false);

export const poolRemove: Verb<{ yes?: boolean }> = async (context, name = '', { yes }) => {
  const { out } = context;
  const client = jobClient(context);
  const { pods } = await client.pool(name);
  const isSure =
    yes ||
    pods.length === 0 ||
    (await confirm(context, `Removing pool ${name}`, fleetText.removeQuestion(name, pods.length)));
  if (!isSure) return 1;
  const pool = await client.removePool(name);
  if (out.isJson) out.json(pool);
  else out.line(fleetText.poolRemoved(name));
  return 0;
};

async function set(context: Context, name: string, options: PoolOptions, isNew: boolean): Promise<number> {
  const { out } = context;
  const { min, max, idle, patience } = options;
  const client = jobClient(context);
  const isPodSaid = isNew || hasCreateOptions(options as LaunchOptions) || options.diskSize !== undefined;
  const before = isNew || !isPodSaid ? undefined : (await client.pool(name)).pod;
  const pod = await podOf(context, options, before);
  const pool = await client.setPool(name, {
    isNew,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(idle !== undefined && { idleMs: idle }),
    ...(patience !== undefined && { patienceMs: patience }),
    ...(isPodSaid && { pod }),
  });
  if (out.isJson) out.json(pool);
  else out.line(fleetText.poolSet(pool.name, pool.min, pool.max));
  return 0;
}

/** GB of a pod's disk where nothing is said, as for `up`. */
const USUAL_DISK_GB = 50;

/** What the pool's pods are: what is said over what they were, or over the configuration. */
async function podOf(
  context: Context,
  options: PoolOptions,
  before: PoolView['pod'] | undefined,
): Promise<PoolView['pod']> {
  const { diskSize = before?.diskGb ?? USUAL_DISK_GB } = options;
  const config = await context.config();
  const said = before && {
    gpu: before.gpuPreferences,
    gpuCount: before.gpuCount,
    template: before.image,
    cloudType: before.cloud,
    volumeMount: before.volumeMount,
    ...(before.minCudaVersion !== undefined && { minCuda: before.minCudaVersion }),
    ...(before.dataCenterId !== undefined && { datacenter: before.dataCenterId }),
    ...(before.volumeId === undefined ? { volume: false } : { volumeId: before.volumeId }),
  };
  // One of them takes the other's place.
  const volume = options.volumeId !== undefined ? { volume: true } : {};
  const without = options.volume === false ? { volumeId: undefined } : {};
  const given = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && !(name === 'volume' && value)),
  );
  const wish = podWish(
    { ...said, ...volume, ...given, ...without, tunnel: true, diskSize, name: '-' } as LaunchOptions,
    config,
  );
  const { name: _, ...pod } = wish;
  return pod;
}

function cells({ name, owner, min, max, pods, waiting, atWork, pod }: PoolView): string[] {
  const ready = pods.filter(({ standing }) => standing === 'ready').length;
  return [
    name,
    owner,
    `${pods.length} of ${min}–${max}`,
    String(ready),
    String(waiting),
    String(atWork),
    pod.gpuPreferences.join(', '),
  ];
}

function rows(pool: PoolView): Row[] {
  const { owner, min, max, idleMs, patienceMs, pod, waiting, atWork, jobs, meanMs, pods, trouble } = pool;
  const words = trouble && FAILURE_WORDS[trouble.failure.code](trouble.failure.detail);
  return [
    ['Owner', owner],
    ['Pods', `${pods.length}, of ${min} to ${max}`],
    ...pods.map(
      (each, at): Row => [
        at === 0 ? 'These' : '',
        `${each.podId ?? 'not made yet'} ${STANDINGS[each.standing]}${each.jobs.length > 0 ? `, at ${each.jobs.join(', ')}` : ''}`,
      ],
    ),
    ...(words ? [['Trouble', [words.what, words.why].filter(Boolean).join(' '), 'bad'] as Row] : []),
    ['Jobs', `${waiting} waiting, ${atWork} with pods`],
    ...Object.entries(jobs).map(([who, count], at): Row => [at === 0 ? 'Whose' : '', `${who}: ${count}`]),
    ['A job', meanMs === null ? 'none has ended yet' : uptimeWords(meanMs / 1000)],
    ['GPU', `${pod.gpuCount}x ${pod.gpuPreferences.join(', else ')}`],
    ['Image', pod.image],
    ['Disk', `${pod.diskGb} GB`],
    ...(pod.volumeId ? [['Volume', `${pod.volumeId} at ${pod.volumeMount}`] as Row] : []),
    ['Grows', `by another pod for each ${uptimeWords(patienceMs / 1000)} of work that waits`],
    ['Shrinks', `by a pod that had no job for ${uptimeWords(idleMs / 1000)}`],
  ];
}

const STANDINGS: Record<PoolView['pods'][number]['standing'], string> = {
  coming: 'is coming up',
  leaving: 'is being ended',
  ready: 'is ready',
  closing: 'gets no more jobs',
  unreachable: 'does not answer now',
  stopped: 'is stopped',
  gone: 'is gone',
};
