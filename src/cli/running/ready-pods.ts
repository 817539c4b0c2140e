import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import { type PodRecord, savedState } from '../../lifecycle/pod-records.ts';
import { isAnswering } from '../../services/comfyui/status.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { hasCreateOptions, podWish } from '../arguments/wishes.ts';
import { failIfHopeless, wayToComfy, whySilent } from '../comfy/way-to-comfy.ts';
import { bringUp } from '../commands/up.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';
import { throwFailure } from '../waiting/reach.ts';
import { launchOptions, type RunOptions } from './options.ts';

/** A pod whose ComfyUI answers on a port of this machine. */
export interface ReadyPod {
  podId: string;
  localPort: number;
}

const ASK_AGAIN_MS = 500;

/** Throws `usage` for options that say how a pod is to be made where none may be. */
export function requireUp(options: RunOptions): void {
  const mayCreate = options.up || typeof options.pods === 'number';
  const isAsked = hasCreateOptions(launchOptions(options)) || options.new;
  if (mayCreate || !isAsked) return;
  throw new AutopodError('usage', {
    message: 'No pod may be created, so how it is to be made means nothing.',
    next: 'Add --up, or leave those options out.',
  });
}

/** What of a run's pods is known before: those that were there, and where those that are made for it are noted. */
export interface Renting {
  before: ReadonlySet<string>;
  rented: Set<string>;
}

/**
 * The pod that is named, or the only one there is or that runs, with a ComfyUI that answers. With `--up` it is brought
 * there as `up` does it; without, a pod that does not run is a failure that names the command.
 */
export async function readyPod(
  context: Context,
  named: string | undefined,
  options: Pick<RunOptions, 'localPort'> & ({ up?: false } | RunOptions),
  renting?: Renting,
): Promise<ReadyPod> {
  if (!options.up) return answeringPod(context, named, options).catch(naming(named));
  const launch = launchOptions(options);
  const wish = podWish(launch, await context.config());
  const { before, rented } = renting ?? (await rentingFrom(context, options));
  const outcome = await bringUp(context, named, {
    wish,
    options: launch,
    createsAlways: options.new === true && named === undefined,
  });
  const { facts, state } = outcome;
  // Also one that has not come up costs.
  if (facts?.podId && !before.has(facts.podId)) rented.add(facts.podId);
  await throwFailure(context, outcome);
  if (state !== 'ready' || !facts?.podId || facts.localPort === null) {
    throw new AutopodError('podNotRunning', { podId: facts?.podId ?? named ?? '' });
  }
  return { podId: facts.podId, localPort: facts.localPort };
}

export async function rentingFrom(
  context: Context,
  { up, pods }: Pick<RunOptions, 'up' | 'pods'>,
): Promise<Renting> {
  const mayRent = up === true || typeof pods === 'number';
  return { before: mayRent ? await podsBefore(context) : new Set(), rented: new Set() };
}

/** Pods that were there before this command: all but those whose launch is unfinished. */
async function podsBefore(context: Context): Promise<Set<string>> {
  const listed = await (await context.runpod()).listPods(context.signal);
  const records = Object.values(await (await context.pods()).all());
  const isUnfinished = (record: PodRecord) => !['ready', 'stopped', 'failed'].includes(savedState(record));
  const unfinished = records.filter(isUnfinished).map(({ facts }) => facts.podId);
  return new Set(listed.map(({ id }) => id).filter((id) => !unfinished.includes(id)));
}

async function answeringPod(
  context: Context,
  named: string | undefined,
  { localPort }: Pick<RunOptions, 'localPort'>,
): Promise<ReadyPod> {
  const { signal, deadline } = context;
  const meant = named ?? (await onlyRunning(context));
  const { podId, tunnel } = await wayToComfy(context, meant, localPort === undefined ? {} : { localPort });
  let isTold = false;
  while (!(await isAnswering(tunnel.localPort, signal, 3_000))) {
    await failIfHopeless(context, podId);
    if (deadline.isOver) throw await whySilent(context, podId);
    if (!isTold) context.out.say(runText.waitingForComfy(podId, deadline.leftMs / 1000));
    isTold = true;
    await sleep(ASK_AGAIN_MS, undefined, { signal });
  }
  return { podId, localPort: tunnel.localPort };
}

/** Of several pods the one that runs, if it is the only one of the account. */
async function onlyRunning(context: Context): Promise<string | undefined> {
  const listed = await (await context.runpod()).listPods(context.signal);
  const running = listed.filter((pod) => observePod(pod).condition === 'running');
  return running.length === 1 ? running[0]?.id : undefined;
}

/** Adds the command that helps to a failure that means that there is no pod to run on. */
function naming(named: string | undefined): (error: unknown) => never {
  return (error) => {
    if (error instanceof AutopodError && (error.code === 'podNotRunning' || error.code === 'podNotFound')) {
      throw new AutopodError(error.code, { ...error.detail, next: runText.needsPod(named) });
    }
    throw error;
  };
}
