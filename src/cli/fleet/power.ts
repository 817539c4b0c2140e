import type { Askable, LaunchView } from '../../fleet/wire.ts';
import type { WaitOptions } from '../arguments/wishes.ts';
import { confirm } from '../asking/ask.ts';
import { mayLose } from '../commands/stop.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { follow } from './follow.ts';
import { finishReady } from './up.ts';
import { clientFor, podMeant } from './way.ts';

export const start: Verb<WaitOptions & { wait: boolean }> = async (context, named, options) => {
  const view = await ask(context, await podMeant(context, named), 'start');
  if (options.wait) return finishReady(context, await follow(context, view), options);
  const { podId, state } = view;
  if (context.out.isJson) context.out.json({ podId, state });
  else context.out.line(text.starting(podId ?? view.name));
  return 0;
};

export const restart: Verb<WaitOptions> = async (context, named, options) => {
  const view = await ask(context, await podMeant(context, named), 'restart');
  return finishReady(context, await follow(context, view), options);
};

export const stop: Verb<{ yes?: boolean }> = async (context, named, { yes }) => {
  const { out } = context;
  const pod = await clientFor(context).info(await podMeant(context, named));
  const isLost = pod.podId !== null && pod.status === 'RUNNING' && pod.hasVolume === false;
  if (isLost && !(await mayLose(context, pod.podId ?? '', yes === true))) {
    out.say(text.nothingDone());
    return 1;
  }
  const view = await follow(context, await ask(context, pod.launchId, 'stop'));
  const { podId, state, name } = view;
  if (out.isJson) out.json({ podId, state });
  else out.line(podId ? text.stopped(podId, undefined) : text.launchForgotten(name));
  return 0;
};

export const kill: Verb<{ yes?: boolean }> = async (context, named, { yes }) => {
  const { out } = context;
  const { podId, name, launchId } = await clientFor(context).info(await podMeant(context, named));
  const question = podId ? text.killQuestion(podId) : text.forgetQuestion(name);
  if (!yes && !(await confirm(context, `Ending ${podId ? `pod ${podId}` : `launch ${name}`}`, question))) {
    out.say(text.nothingDone());
    return 1;
  }
  await follow(context, await ask(context, launchId, 'kill'));
  if (podId) await (await context.keeper()).close(podId, context.signal);
  if (out.isJson) out.json({ podId, state: 'terminated' });
  else out.line(podId ? text.killed(podId, undefined) : text.launchForgotten(name));
  return 0;
};

function ask(context: Context, named: string, verb: Askable): Promise<LaunchView> {
  return clientFor(context).ask(named, verb, Math.max(1_000, Math.round(context.deadline.leftMs)));
}
