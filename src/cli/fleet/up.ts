import { randomUUID } from 'node:crypto';
import { AutopodError } from '../../errors.ts';
import type { LaunchView, UpRequest } from '../../fleet/wire.ts';
import { hasCreateOptions, type LaunchOptions, podWish, type WaitOptions } from '../arguments/wishes.ts';
import { agreeToExpose } from '../commands/up.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import { momentOf } from '../text/time.ts';
import { uptimeWords } from '../text/uptime.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { follow } from './follow.ts';
import { reachComfyUI } from './reach-comfyui.ts';
import { clientFor } from './way.ts';

/** Gets to a pod of the fleet whose ComfyUI answers here: goes on, starts, or has one made. */
export const up: Verb<LaunchOptions> = (context, named, options) =>
  launch(context, named, options, options.new === true);

export const connect: Verb<LaunchOptions> = (context, _named, options) =>
  launch(context, undefined, options, true);

async function launch(
  context: Context,
  pod: string | undefined,
  options: LaunchOptions,
  isNew: boolean,
): Promise<number> {
  if (isNew && pod !== undefined) {
    throw new AutopodError('usage', {
      message: `--new makes another pod, so it takes none; “${pod}” is named.`,
    });
  }
  const wish = podWish(options, await context.config());
  if (options.tunnel) await context.privateKey();
  await agreeToExpose(context, wish, options);
  const timeoutMs = Math.max(1_000, Math.round(context.deadline.leftMs));
  const { stopAfter: stopAfterMs, idleStop: idleStopMs } = options;
  // Asked again with this id, as after a lost answer, it is the same launch.
  const launchId = randomUUID();
  const answer = await clientFor(context).up({
    launchId,
    pod,
    isNew,
    wish,
    timeoutMs,
    ...(stopAfterMs !== undefined && { stopAfterMs }),
    ...(idleStopMs !== undefined && { idleStopMs }),
  });
  if (answer.how === 'continued' && hasCreateOptions(options)) {
    context.out.say(text.optionsIgnored(answer.launch.podId ?? answer.launch.name));
  }
  tellPlan(context, answer.launch, { stopAfterMs, idleStopMs });
  context.resume = 'autopod up';
  const hasVolume = wish.volumeId !== undefined;
  const view = await follow(context, answer.launch, { hasVolume, jsonStream: options.jsonStream === true });
  context.resume = undefined;
  return finishReady(context, view, options);
}

/** Opens the tunnel to a pod that is ready, and says where ComfyUI answers. The answer is the exit code. */
export async function finishReady(
  context: Context,
  { podId, name, owner, state }: LaunchView,
  options: WaitOptions & { jsonStream?: boolean },
): Promise<number> {
  const { out } = context;
  if (state !== 'ready' || podId === null) {
    out.say(text.changedByOther(state));
    if (out.isJson) out.json({ podId, owner, state });
    return 1;
  }
  const localPort = options.tunnel ? await reachComfyUI(context, podId, { name, image: '' }, options) : null;
  const result = { podId, owner, state, url: localPort ? `http://localhost:${localPort}` : null };
  if (options.jsonStream) out.jsonLine(result);
  else if (out.isJson) out.json(result);
  else out.line(localPort ? text.available(localPort) : text.readyWithoutTunnel(podId));
  if (owner !== context.fleet?.name) out.say(fleetText.others(owner));
  return 0;
}

function tellPlan(
  { out }: Context,
  { podId, name }: LaunchView,
  { stopAfterMs, idleStopMs }: Pick<UpRequest, 'stopAfterMs' | 'idleStopMs'>,
): void {
  const pod = podId ?? name;
  if (typeof stopAfterMs === 'number')
    out.say(fleetText.planned(pod, momentOf(new Date(Date.now() + stopAfterMs))));
  if (typeof idleStopMs === 'number') out.say(fleetText.idle(pod, uptimeWords(idleStopMs / 1000)));
  const isNever = [stopAfterMs, idleStopMs].includes('never');
  if (isNever && typeof stopAfterMs !== 'number' && typeof idleStopMs !== 'number')
    out.say(fleetText.notPlanned(pod));
}
