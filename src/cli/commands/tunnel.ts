import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import type { TunnelView } from '../../keeper/client.ts';
import { tunnelTo } from '../comfy/tunnel-to.ts';
import type { Context } from '../context.ts';
import { type AutoStopOptions, schedule } from '../money/schedule.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import {
  chosenTunnels,
  showTunnels,
  tellPlans,
  tunnelList,
  tunnelStatus,
  withNames,
} from './tunnel-status.ts';

interface TunnelOptions extends AutoStopOptions {
  status?: boolean;
  stop?: boolean;
  all?: boolean;
  localPort?: number | 'auto';
}

/** Opens the tunnel to a pod, or shows or closes the ones there are. */
export const tunnel: Verb<TunnelOptions> = async (context, named, options) => {
  if (options.stop && options.status) {
    throw new AutopodError('usage', { message: '--stop and --status exclude each other.' });
  }
  if (named === 'list' && (options.stop || options.status)) {
    const option = options.stop ? '--stop' : '--status';
    throw new AutopodError('usage', {
      message: `list lists the tunnels, and takes no ${option}.`,
      next: `Leave out one of them; every tunnel: autopod tunnel ${option} --all`,
    });
  }
  refuseVerb(named);
  refuseIgnored(named, options);
  if (options.stop) return close(context, await podIdOf(context, named), options.all === true);
  if (options.status) return tunnelStatus(context, await podIdOf(context, named));
  if (named === 'list') return tunnelList(context);
  if (options.all) return openAll(context);
  return open(context, named, options);
};

/** What other tools, the Python autopod among them, write as a word. */
const WRITTEN_AS_OPTION: Record<string, string> = {
  stop: '--stop',
  close: '--stop',
  status: '--status',
  ls: 'list',
  lst: 'list',
  lists: 'list',
};
const OPENS = ['start', 'open', 'up'];

/** Throws `usage` for a verb where a pod is named: no pod is called that, and nothing is done to one. */
function refuseVerb(named = ''): void {
  const isOpening = OPENS.includes(named);
  const meant = Object.hasOwn(WRITTEN_AS_OPTION, named) ? WRITTEN_AS_OPTION[named] : undefined;
  if (!isOpening && meant === undefined) return;
  throw new AutopodError('usage', {
    message: `“${named}” stands where a pod is named.`,
    next: isOpening
      ? 'To open the tunnel: autopod tunnel [POD]'
      : `Use: autopod tunnel ${meant === 'list' ? 'list' : `[POD] ${meant}`}`,
  });
}

/** Throws `usage` for what would be left out without a word. */
function refuseIgnored(named: string | undefined, options: TunnelOptions): void {
  const opensOne = !options.stop && !options.status && !options.all && named !== 'list';
  const mode = options.stop ? '--stop' : options.status ? '--status' : options.all ? '--all' : 'list';
  const given = [
    options.stopAfter !== undefined && '--stop-after',
    options.idleStop !== undefined && '--idle-stop',
    options.localPort !== undefined && '--local-port',
  ].filter((option) => option !== false);
  if (!opensOne && given.length > 0) {
    throw new AutopodError('usage', {
      message: `${given.join(' and ')} belong${given.length === 1 ? 's' : ''} to one tunnel that is opened, and ${mode} opens none or several.`,
      next: `Use: autopod tunnel POD ${given.map((option) => `${option} …`).join(' ')}`,
    });
  }
  if (options.all && named !== undefined && named !== 'list') {
    throw new AutopodError('usage', {
      message: `--all means every pod, so it takes none; “${named}” is named.`,
    });
  }
}

/** The pod's id, where a record knows the pod by the name it was given. */
async function podIdOf(context: Context, named: string | undefined): Promise<string | undefined> {
  if (named === undefined) return undefined;
  const { theOneMeant } = await import('../../lifecycle/choose.ts');
  const meant = theOneMeant(Object.entries(await (await context.pods()).all()), named);
  return meant?.[1].facts.podId ?? named;
}

async function open(context: Context, named: string | undefined, options: TunnelOptions): Promise<number> {
  const { choosePod } = await import('../choosing/pod-argument.ts');
  const { recordId, podId } = await choosePod(context, named, { needsKey: true });
  const opened = await tunnelTo(context, podId, options.localPort);
  await schedule(context, recordId, options);
  context.resume = `autopod tunnel ${podId}`;
  const settled = await untilSettled(context, opened);
  const view = opened.tookPortFrom ? { ...settled, tookPortFrom: opened.tookPortFrom } : settled;
  if (view.state === 'failed' && view.failure) throw new AutopodError(view.failure.code, view.failure.detail);
  if (context.out.isJson) context.out.json(withNames(context, [view])[0]);
  else context.out.line(await openedWords(context, view));
  if (view.proof === 'unproven' && view.watchedBy) context.out.say(text.unproven(view.podId, view.watchedBy));
  return view.state === 'healthy' ? 0 : 1;
}

async function openedWords({ signal }: Context, view: TunnelView): Promise<string> {
  if (view.state !== 'healthy') return text.tunnelPending(view);
  const { isAnswering } = await import('../../services/comfyui/status.ts');
  const answers = await isAnswering(view.localPort, signal, 5_000);
  return answers ? text.available(view.localPort) : text.tunnelOnly(view.localPort);
}

// A tunnel that stands keeps its port; each other one takes the next free. Those that wait for a stopped pod are shown.
async function openAll(context: Context): Promise<number> {
  const { observePod } = await import('../../services/runpod/pod-state.ts');
  const pods = await (await context.runpod()).listPods(context.signal);
  const allRunning = pods.map(observePod).filter(({ condition }) => condition === 'running');
  const running = allRunning.filter(({ hasSshPort }) => hasSshPort);
  const unreachable = allRunning.filter(({ hasSshPort }) => !hasSshPort);
  const views: TunnelView[] = [];
  for (const { podId } of running) {
    views.push(await untilSettled(context, await tunnelTo(context, podId, 'auto')));
  }
  const isOpened = new Set(running.map(({ podId }) => podId));
  const waiting = (await chosenTunnels(context, undefined)).filter(({ podId }) => !isOpened.has(podId));
  showTunnels(context, [...withNames(context, views), ...waiting]);
  for (const { podId } of unreachable) context.out.say(FAILURE_WORDS.podWithoutSsh({ podId }).what);
  const areAllHealthy = unreachable.length === 0 && views.every(({ state }) => state === 'healthy');
  return areAllHealthy && (views.length > 0 || waiting.length === 0) ? 0 : 1;
}

const SETTLED: TunnelView['state'][] = ['healthy', 'failed', 'waitingForPod', 'stopped'];
/** Milliseconds a tunnel has to settle where the user has not said how many. */
const SETTLING_MS = 30_000;
/** Milliseconds after which the wait for it is told; mostly it is over by then. */
const LASTS_MS = 1_000;

async function untilSettled(context: Context, opened: TunnelView): Promise<TunnelView> {
  const keeper = await context.keeper();
  const { deadline } = context;
  const patienceMs = deadline.isSaid ? deadline.leftMs : Math.min(SETTLING_MS, deadline.leftMs);
  const begunAt = performance.now();
  let isTold = false;
  let last = opened;
  while (!SETTLED.includes(last.state) && performance.now() < begunAt + patienceMs) {
    if (!isTold && performance.now() > begunAt + LASTS_MS) {
      isTold = true;
      context.out.say(text.waitingForTunnel(opened.podId, patienceMs / 1000));
    }
    await sleep(100, undefined, { signal: context.signal });
    const views = await keeper.tunnels(context.signal);
    last = views.find(({ podId }) => podId === opened.podId) ?? { ...last, state: 'stopped' };
  }
  return last;
}

async function close(context: Context, named: string | undefined, isAll: boolean): Promise<number> {
  const { pickingOne } = await import('../choosing/several.ts');
  const { out, signal } = context;
  const views = await pickingOne(context, named, async (pod) => {
    const found = await chosenTunnels(context, pod);
    if (found.length < 2 || isAll || pod !== undefined) return found;
    throw new AutopodError('podNotChosen', { pods: found.map(({ podId }) => podId) });
  });
  const keeper = await context.keeper();
  for (const { podId } of views) {
    await keeper.close(podId, signal);
    if (!out.isJson) out.line(text.tunnelClosed(podId));
  }
  tellPlans(context, named);
  if (out.isJson) out.json({ closed: views.map(({ podId }) => podId) });
  else if (views.length === 0) out.say(named === undefined ? text.noTunnels() : text.noTunnelTo(named));
  return 0;
}
