import { join } from 'node:path';
import { AutopodError, type FailureDetail } from '../../errors.ts';
import { requireFreePort } from '../../keeper/local-port.ts';
import {
  type Chosen,
  chooseLaunch,
  chooseNamed,
  hasBegun,
  planLaunch,
  readableRecords,
} from '../../lifecycle/choose.ts';
import type { Outcome } from '../../lifecycle/drive.ts';
import type { PodWish } from '../../machines/pod-types.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { shellWord } from '../../shell-word.ts';
import { withLock } from '../../store/lock.ts';
import {
  accessChange,
  accessWish,
  hasCreateOptions,
  type LaunchOptions,
  podWish,
} from '../arguments/wishes.ts';
import { confirm } from '../asking/ask.ts';
import { laterPodThan, laterPodWords, takesLaterPod, withLaterPod } from '../choosing/later-pod.ts';
import { pickingOne } from '../choosing/several.ts';
import type { Context } from '../context.ts';
import { statelyFor } from '../inspecting/stately-for.ts';
import { overDefaults, planDefaults } from '../money/plan-defaults.ts';
import { requireTunnelFor, schedule } from '../money/schedule.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { finishReady } from '../waiting/finish.ts';
import { goOnWithSuccessor, type ReplaceOptions, reachReady } from '../waiting/replacing.ts';
import { dryRun } from './dry-run.ts';

/** Makes it so: the named pod, or the one launch there is, or another one, until ComfyUI answers. */
export const up: Verb<LaunchOptions & ReplaceOptions> = async (context, podId, options) => {
  if (options.new && podId !== undefined) {
    throw new AutopodError('usage', {
      message: `--new makes another pod, so it takes none; “${podId}” is named.`,
      next: 'Leave out one of them; --name gives the new pod its name.',
    });
  }
  return launch(context, podId, options, options.new === true);
};

/** Creates, always. */
export const connect: Verb<LaunchOptions & ReplaceOptions> = (context, _podId, options) =>
  launch(context, undefined, options, true);

async function launch(
  context: Context,
  named: string | undefined,
  options: LaunchOptions & ReplaceOptions,
  createsAlways: boolean,
): Promise<number> {
  const wish = podWish(options, await context.config());
  requireTunnelFor(options, options.tunnel);
  if (options.dryRun) {
    sayExposed(context, wish);
    return dryRun(context, { named, wish, options, createsAlways });
  }
  const outcome = await bringUp(context, named, { wish, options, createsAlways });
  return finishReady(context, outcome, options);
}

interface Launching {
  wish: PodWish;
  options: LaunchOptions & ReplaceOptions;
  createsAlways: boolean;
}

/** Brings a pod to a ComfyUI that answers, whatever that takes, or to what keeps it from that. */
export async function bringUp(
  context: Context,
  named: string | undefined,
  { wish, options, createsAlways }: Launching,
): Promise<Outcome> {
  const changes = accessChange(options);
  const stately = await statelyFor(context, options.inspect);
  let podId = named;
  try {
    for (;;) {
      const chosen = await pickingOne(context, podId, (pod) =>
        choose(context, pod, { wish, options, createsAlways }),
      );
      const recordId = await goOnWithSuccessor(context, chosen.recordId, chosen.podId ?? chosen.name);
      const isFresh = chosen.how === 'planned';
      const defaults = await planDefaults(context, recordId, { isFresh, keepsTunnel: options.tunnel });
      await schedule(context, recordId, overDefaults(defaults, options), isFresh);
      const reached = await reachReady(context, recordId, { ...options, stately }, changes);
      await leaveToOthers(context, chosen, reached);
      // The pod of an earlier launch may be gone; unless it was named, or was ended just now, another one takes its place.
      const isReplaceable =
        reached.failure?.code === 'podGone' &&
        !reached.hasSeenPod &&
        chosen.how !== 'planned' &&
        podId === undefined;
      if (isReplaceable) {
        context.out.say(text.replacing(chosen.podId ?? chosen.name));
        continue;
      }
      const outcome = await withLaterPod(context, chosen, reached);
      podId = await takesLaterPod(context, outcome);
      if (podId === undefined) return outcome;
    }
  } finally {
    await stately?.end();
  }
}

/** A pod that was only just found and turns out not to take our key is none that a later command would mean. */
async function leaveToOthers(context: Context, chosen: Chosen, { failure }: Outcome): Promise<void> {
  if (chosen.how !== 'adopted' || failure?.code !== 'sshKeyRefused') return;
  await (await context.pods()).update(
    chosen.recordId,
    (record) => record && { ...record, facts: { ...record.facts, isOthers: true } },
  );
}

// One command at a time decides which launch it is about, so that six first `up`s plan one.
async function choose(
  context: Context,
  podId: string | undefined,
  { wish, options, createsAlways }: Launching,
): Promise<Chosen> {
  const { out, signal, deadline } = context;
  const onBusy = (holder: FailureDetail) => out.say(text.waitingForOther(holder, deadline.leftMs / 1000));
  const wishes = { wish, access: accessWish(options) };
  await context.privateKey();
  const choosing = {
    ...(await context.choosing()),
    needsKey: true,
    beforeBuying: () => beforeBuying(context, wish, options),
  };
  return withLock(join(choosing.home.locks, 'launch'), { signal, onBusy }, async () => {
    const chosen = await (createsAlways
      ? planLaunch(choosing, wishes)
      : podId === undefined
        ? chooseLaunch(choosing, wishes, signal)
        : chooseNamed(choosing, podId, wishes, signal));
    const later = chosen.how === 'continued' ? await laterPodThan(context, chosen) : undefined;
    if (later) out.say(laterPodWords(later));
    if (chosen.how === 'adopted' && chosen.podId) out.say(text.adopted(chosen.podId));
    if (chosen.how !== 'planned' && hasCreateOptions(options)) {
      out.say(chosen.podId ? text.optionsIgnored(chosen.podId) : text.optionsOfLaunchIgnored(chosen.name));
    }
    return chosen;
  });
}

function sayExposed({ out }: Context, { exposedPorts }: PodWish): void {
  if (exposedPorts.length > 0) out.say(text.exposeWarning(exposedPorts.map(({ port }) => port)));
}

// What would make a bought pod useless is found out before it is bought.
async function beforeBuying(context: Context, wish: PodWish, options: LaunchOptions): Promise<void> {
  const { out } = context;
  if (options.name !== undefined) await requireFreeName(context, options.name);
  for (const [, { facts }] of await readableRecords(await context.pods())) {
    if (facts.isCreateOpen) out.say(text.unfinishedLaunch(facts.wish.name));
  }
  const { keepTunnel, localPort } = accessWish(options);
  if (keepTunnel && localPort !== 'auto') await requireFreePort(localPort, await context.keeper());
  if (wish.volumeId === undefined) out.say(text.noVolumeWarning());
  await agreeToExpose(context, wish, options);
}

/** Says which ports become public, and asks. Throws `declined`. */
export async function agreeToExpose(
  context: Context,
  wish: PodWish,
  options: Pick<LaunchOptions, 'yes'>,
): Promise<void> {
  const { out } = context;
  if (wish.exposedPorts.length === 0) return;
  sayExposed(context, wish);
  const canAsk = process.stdin.isTTY && out.stderr.isTTY && !out.isJson;
  if (options.yes || !canAsk) return;
  if (!(await confirm(context, 'Making ports public', text.exposeQuestion())))
    throw new AutopodError('declined');
}

/** A name says which pod is meant, so two have not the same. A launch that asked RunPod for nothing has none yet. */
async function requireFreeName(context: Context, name: string): Promise<void> {
  const records = await readableRecords(await context.pods());
  const known = records.find(([, record]) => hasBegun(record) && record.facts.wish.name === name);
  const listed = await (await context.runpod()).listPods(context.signal);
  const pod = listed.find((one) => one.name === name && observePod(one).condition !== 'gone');
  if (!pod && !known) return;
  const holder = pod?.id ?? known?.[1].facts.podId;
  throw new AutopodError('usage', {
    message: holder ? `Pod ${holder} is called “${name}” already.` : `A launch is called “${name}” already.`,
    next: `Choose another --name, or use that one: autopod up ${shellWord(name)}`,
  });
}
