import type { Context } from '../context.ts';
import { isStopped } from '../state/is-stopped.ts';
import type { AutoStopOptions } from './schedule.ts';

/** Of `config.json`: what a pod that is made, or started without a plan of its own, gets where the command line says nothing else. */
export async function planDefaults(
  context: Context,
  recordId: string,
  { isFresh, keepsTunnel }: { isFresh: boolean; keepsTunnel: boolean },
): Promise<AutoStopOptions> {
  const facts = (await (await context.pods()).get(recordId))?.facts;
  const { autoStop, podId } = facts ?? {};
  const defaults = await defaultOptions(context, keepsTunnel, [facts?.wish.name, podId]);
  if (Object.keys(defaults).length === 0 || isFresh) return defaults;
  return !autoStop && podId && (await isStopped(context, podId)) ? defaults : {};
}

/**
 * The same without a look at the pod, which is known by these names. Without a tunnel nobody here would see whether it is
 * used.
 */
export async function defaultOptions(
  context: Context,
  keepsTunnel: boolean,
  names: (string | null | undefined)[],
): Promise<AutoStopOptions> {
  const { autoStop, autoStopOf } = await context.config();
  const own = names.map((name) => (name ? autoStopOf[name] : undefined)).find(Boolean);
  const { stopAfterMs, idleMs, aloneMs, ending } = own ?? autoStop;
  const hasPlan = stopAfterMs !== null || (keepsTunnel && (idleMs !== null || aloneMs !== null));
  if (!hasPlan) return {};
  return {
    ...(stopAfterMs !== null && { stopAfter: stopAfterMs }),
    ...(keepsTunnel && idleMs !== null && { idleStop: idleMs }),
    ...(keepsTunnel && aloneMs !== null && { ifAlone: aloneMs }),
    // biome-ignore lint/suspicious/noThenProperty: it is called as its flag is.
    ...(ending !== null && { then: ending }),
  };
}

/** The defaults, with what was said on the command line over them. */
export function overDefaults<Options extends AutoStopOptions>(
  defaults: AutoStopOptions,
  given: Options,
): Options {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) } as Options;
}
