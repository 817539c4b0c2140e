import { AutopodError } from '../errors.ts';
import type { AutoStop, TunnelView } from '../keeper/client.ts';
import type { Context } from './context.ts';
import { text } from './text.ts';

/** As given on the command line: milliseconds, or `never`; undefined for what was not said. */
export interface AutoStopOptions {
  stopAfter?: number | 'never';
  idleStop?: number | 'never';
}

/** Throws `usage` where nobody would be there to stop the pod. */
export function requireKeeperFor({ stopAfter, idleStop }: AutoStopOptions, keepsTunnel: boolean): void {
  if (keepsTunnel || (stopAfter === undefined && idleStop === undefined)) return;
  throw new AutopodError('usage', {
    message: '--stop-after and --idle-stop are done by the keeper, which --no-tunnel does without.',
    next: 'Leave out --no-tunnel.',
  });
}

/** Has the keeper stop the pod by itself, and says when; without options, says nothing and changes nothing. */
export async function schedule(
  context: Context,
  podId: string,
  { stopAfter, idleStop }: AutoStopOptions,
): Promise<TunnelView | undefined> {
  if (stopAfter === undefined && idleStop === undefined) return undefined;
  const change: Partial<AutoStop> = {
    ...(stopAfter !== undefined && {
      stopAt: stopAfter === 'never' ? null : new Date(Date.now() + stopAfter).toISOString(),
    }),
    ...(idleStop !== undefined && { idleMs: idleStop === 'never' ? null : idleStop }),
  };
  const view = await (await context.keeper()).schedule(podId, change, context.signal);
  context.out.say(view.autoStop ? text.autoStop(view.autoStop) : text.noAutoStop());
  return view;
}
