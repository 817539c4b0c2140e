import { AutopodError, type FailureDetail } from '../../errors.ts';
import { requireFreePort } from '../../keeper/local-port.ts';
import type { Environment, Note } from '../../lifecycle/environment.ts';
import { type Foreseen, foresee } from '../../lifecycle/foresee.ts';
import { findDataCenter, planCandidates } from '../../lifecycle/place.ts';
import type { Purchase } from '../../lifecycle/purchase.ts';
import { rateWhenRunning } from '../../lifecycle/rate.ts';
import { requireAllowed } from '../../lifecycle/spending.ts';
import type { PodWish } from '../../machines/pod-types.ts';
import type { Pod } from '../../services/runpod/client.ts';
import type { BelowFloor } from '../../services/runpod/placement.ts';
import { podRequest } from '../../services/runpod/pod-request.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { usualLocalPort } from '../../services/usual-local-port.ts';
import { type AutoStop, toldPlan } from '../../store/plans.ts';
import { hasCreateOptions, type LaunchOptions } from '../arguments/wishes.ts';
import type { Context } from '../context.ts';
import { defaultOptions, overDefaults } from '../money/plan-defaults.ts';
import { changed } from '../money/schedule.ts';
import { limitWords } from '../text/limits.ts';
import { planText } from '../text/plan.ts';
import { candidateWords, text, tooOldWords, usd } from '../text.ts';
import { prose } from '../views/prose.ts';

interface DryRun {
  named: string | undefined;
  wish: PodWish;
  options: LaunchOptions;
  createsAlways: boolean;
}

/** Prints what the command would do, and asks RunPod only to see it: nothing is created, kept or changed. */
export async function dryRun(context: Context, run: DryRun): Promise<number> {
  const { named, wish, options, createsAlways } = run;
  await context.privateKey();
  const foreseen: Foreseen = createsAlways
    ? { kind: 'create' }
    : await foresee({ ...(await context.choosing()), needsKey: true }, named, context.signal);
  const told = {
    ...about(foreseen),
    localPort: await portOf(context, foreseen, options),
    autoStop: await planOf(context, foreseen, wish.name, options),
  };
  const refusal = foreseen.kind === 'use' ? await startRefusal(context, foreseen.pod, told.autoStop) : null;
  if (foreseen.kind === 'create') {
    const { localPort } = told;
    const isPortFree = async () => {
      if (typeof localPort === 'number') await requireFreePort(localPort, await context.keeper());
    };
    const show = await creation(context, wish, told);
    // JSON has room for one value; people see the plan, and then why it would fail.
    if (context.out.isJson) await isPortFree();
    show();
    await isPortFree();
    return 0;
  }
  if (context.out.isJson) context.out.json({ ...told, candidates: [], tooOld: [], request: null, refusal });
  else {
    if (hasCreateOptions(options)) context.out.say(ignored(foreseen));
    say(context, useWords(foreseen));
    if (refusal) say(context, text.wouldBeRefused(limitWords(refusal.detail)));
    sayRest(context, told);
  }
  return 0;
}

type Told = ReturnType<typeof about> & { localPort: number | 'auto' | null; autoStop: AutoStop | null };

function about(foreseen: Foreseen) {
  if (foreseen.kind === 'create') return { action: 'create', podId: null };
  if (foreseen.kind === 'continue') return { action: 'continue', podId: null };
  const { condition } = observePod(foreseen.pod);
  return { action: condition === 'stopped' ? 'start' : 'use', podId: foreseen.pod.id };
}

function ignored(foreseen: Exclude<Foreseen, { kind: 'create' }>): string {
  return foreseen.kind === 'use'
    ? text.optionsIgnored(foreseen.pod.id)
    : text.optionsOfLaunchIgnored(foreseen.name);
}

function useWords(foreseen: Exclude<Foreseen, { kind: 'create' }>): string {
  if (foreseen.kind === 'continue') return planText.goOn(foreseen.name);
  const { podId, condition, costPerHour } = observePod(foreseen.pod);
  if (condition === 'stopped') return planText.start(podId, foreseen.pod.name);
  return planText.use(podId, foreseen.pod.name, foreseen.pod.status, usd(costPerHour));
}

/** As `up` finds it: what is asked for, else where the tunnel stands, else where it was. Null without a tunnel. */
async function portOf(
  context: Context,
  foreseen: Foreseen,
  { localPort, tunnel }: LaunchOptions,
): Promise<number | 'auto' | null> {
  if (!tunnel) return null;
  if (foreseen.kind === 'create') return localPort ?? usualLocalPort();
  const views = await (await context.keeper()).seen(context.signal);
  const standing =
    foreseen.kind === 'use'
      ? views.find(({ podId, isTemporary }) => podId === foreseen.pod.id && !isTemporary)
      : undefined;
  return localPort ?? standing?.localPort ?? foreseen.record?.facts.access.localPort ?? usualLocalPort();
}

async function planOf(
  context: Context,
  foreseen: Foreseen,
  nameOfNew: string,
  options: LaunchOptions,
): Promise<AutoStop | null> {
  const saved = foreseen.kind === 'create' ? undefined : foreseen.record && toldPlan(foreseen.record.facts);
  const isStarted = foreseen.kind === 'use' && observePod(foreseen.pod).condition === 'stopped';
  const hasDefaults = foreseen.kind === 'create' || (isStarted && !saved);
  const names = foreseen.kind === 'use' ? [foreseen.pod.name, foreseen.pod.id] : [nameOfNew];
  const defaults = hasDefaults ? await defaultOptions(context, options.tunnel, names) : {};
  return changed({ stopAt: null, idleMs: null, ...saved }, overDefaults(defaults, options));
}

function say({ out }: Context, words: string): void {
  out.line(prose(words, out.screen));
}

function sayRest(context: Context, { localPort, autoStop }: Told): void {
  say(context, localPort === null ? planText.noTunnel() : planText.tunnel(localPort));
  if (autoStop) say(context, planText.stop(autoStop));
}

/** Plans a pod that is to be created; the answer shows it. */
async function creation(context: Context, wish: PodWish, told: Told): Promise<() => void> {
  const { out, signal } = context;
  let tooOld: BelowFloor[] = [];
  const tell = (note: Note) => {
    if (note.kind === 'leftOut') tooOld = note.tooOld;
  };
  const { env } = await context.driving({ onState: () => undefined, tell });
  const { dataCenterId } = await findDataCenter(env, wish, signal);
  const placed = dataCenterId === null ? wish : { ...wish, dataCenterId };
  const candidates = await planCandidates(env, placed, signal);
  const key = await context.privateKey();
  const first = candidates[0];
  const madeLater = text.launchIdPlaceholder();
  const request =
    first &&
    podRequest(placed, first, { launchId: madeLater, secret: madeLater, publicKeys: [key.publicKey] });
  const purchase = { costPerHour: first?.pricePerHour, ...stopOf(told.autoStop) };
  const refusal = await refusalOf(context, env, purchase);
  return () => {
    if (out.isJson) {
      out.json({ ...told, candidates, tooOld, request, refusal });
      return;
    }
    say(context, text.planTitle(wish));
    for (const [index, candidate] of candidates.entries())
      say(context, `  ${index + 1}. ${candidateWords(candidate)}`);
    if (tooOld[0]) say(context, text.tooOldTitle(tooOld[0].minCudaVersion));
    for (const one of tooOld) say(context, `  – ${tooOldWords(one)}`);
    if (refusal) say(context, text.wouldBeRefused(limitWords(refusal.detail)));
    sayRest(context, told);
    out.line(text.requestTitle());
    out.line(JSON.stringify(request, null, 2));
  };
}

/** Why a stopped pod would not be started; null for any other, and where the limits allow it. */
async function startRefusal(context: Context, pod: Pod, autoStop: AutoStop | null): Promise<Refusal | null> {
  const seen = observePod(pod);
  if (seen.condition !== 'stopped') return null;
  const { env } = await context.driving({ onState: () => undefined, tell: () => undefined });
  const costPerHour = await rateWhenRunning(env.runpod, seen, context.signal);
  return refusalOf(context, env, { podId: pod.id, costPerHour, ...stopOf(autoStop) });
}

function stopOf(autoStop: AutoStop | null): { stopAt?: number } {
  return autoStop?.stopAt ? { stopAt: Date.parse(autoStop.stopAt) } : {};
}

interface Refusal {
  code: string;
  detail: FailureDetail;
}

/** Why the limits would not allow it; null where they would. */
async function refusalOf(context: Context, env: Environment, purchase: Purchase): Promise<Refusal | null> {
  try {
    const shared = { ...env, limits: await context.limits(), pods: await context.pods() };
    await requireAllowed(shared, purchase, context.signal);
    return null;
  } catch (error) {
    if (!(error instanceof AutopodError) || error.code !== 'limitReached') throw error;
    return { code: error.code, detail: error.detail };
  }
}
