import { toFailure } from '../../errors.ts';
import { requireFreePort } from '../../keeper/local-port.ts';
import { readableRecords } from '../../lifecycle/choose.ts';
import type { NetworkVolume } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { volumePerMonth } from '../../services/runpod/storage-prices.ts';
import { USER_AGENT } from '../../services/runpod/user-agent.ts';
import { sshVersion } from '../../services/ssh/version.ts';
import { usualLocalPort } from '../../services/usual-local-port.ts';
import { plannedPods, toldPlan } from '../../store/plans.ts';
import { requireKnownUser } from '../../user.ts';
import { configuredCloud } from '../arguments/wishes.ts';
import type { Context } from '../context.ts';
import { diskPerMonth, lastUses } from '../money/silent.ts';
import { costsText } from '../text/costs.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { text } from '../text.ts';
import { openToOthers } from './home-modes.ts';

export interface Check {
  name: string;
  /** `skipped` where an earlier check has failed for the same reason. */
  verdict: 'good' | 'warning' | 'bad' | 'skipped';
  found: string;
  /** What to do about it. */
  fix?: string;
}

type Examined = Omit<Check, 'name'>;

const MAX_SKEW_MS = 120_000;

/** Every check, in the order in which one depends on the one before. None stops the others. */
export async function examine(context: Context): Promise<Check[]> {
  const checks: [string, (context: Context) => Promise<Examined>][] = [
    ['Node', node],
    ['ssh', ssh],
    ['Home folder', home],
    ['Settings', settings],
    ['Saved state', state],
    ['SSH key', key],
    ['API key', apiKey],
    ['Registered keys', registeredKeys],
    ['Volumes', volumes],
    ['Stopped pods', stoppedPods],
    ['Clock', clock],
    ['Keeper', keeper],
    ['Planned stops', plannedStops],
    [portName(), port],
  ];
  const results: Check[] = [];
  for (const [name, check] of checks) {
    const found = await check(context).catch(asBad);
    const before = results.find((one) => one.verdict === 'bad' && one.found === found.found);
    const examined: Examined = before ? { verdict: 'skipped', found: `see ${before.name}` } : found;
    context.signal.throwIfAborted();
    results.push({ name, ...examined });
    // Without a home there is nothing further to look at.
    if (check === home && !hasHome(context)) break;
  }
  return results;
}

function hasHome(context: Context): boolean {
  try {
    return context.home() !== undefined;
  } catch {
    return false; // its check has told why
  }
}

function asBad(error: unknown): Examined {
  const { code, detail } = toFailure(error);
  const { what, why, next } = FAILURE_WORDS[code](detail);
  return { verdict: 'bad', found: [what, why].filter(Boolean).join(' '), ...(next && { fix: next }) };
}

function good(found: string): Examined {
  return { verdict: 'good', found };
}

async function node(): Promise<Examined> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return good(process.version);
  return { verdict: 'bad', found: process.version, fix: 'Install Node 20.19 or later.' };
}

async function ssh(): Promise<Examined> {
  requireKnownUser();
  return good(await sshVersion());
}

async function home(context: Context): Promise<Examined> {
  const { root } = context.home();
  const open = await openToOthers(root);
  if (open.length === 0) return good(root);
  const isFew = open.length <= 3;
  const named = isFew ? open.join(', ') : `${open.slice(0, 2).join(', ')} and ${open.length - 2} more`;
  const fix = isFew ? `chmod go-rwx ${open.join(' ')}` : `chmod -R go-rwx ${root}`;
  return { verdict: 'bad', found: `${named} can be read by other users`, fix };
}

async function settings(context: Context): Promise<Examined> {
  const config = await context.config();
  configuredCloud(config);
  const { volumeId, gpuPreferences, apiUrl } = config;
  return good(`${gpuPreferences.join(', then ')}; volume ${volumeId ?? 'none'}; ${apiUrl}`);
}

async function state(context: Context): Promise<Examined> {
  const records = await readableRecords(await context.pods());
  return good(`${records.length} pod${records.length === 1 ? '' : 's'} on record`);
}

async function key(context: Context): Promise<Examined> {
  const { path, needsAgent } = await context.privateKey();
  return good(needsAgent ? `${path}, through the agent` : path);
}

async function apiKey(context: Context): Promise<Examined> {
  const pods = await (await context.runpod()).listPods(context.signal);
  return good(text.apiKeyTaken(pods.length));
}

async function registeredKeys(context: Context): Promise<Examined> {
  const keys = await (await context.runpod()).registeredSshKeys(context.signal);
  const { publicKey } = await context.privateKey();
  const blob = publicKey.split(/\s+/)[1] ?? publicKey;
  const isThere = keys.some((registered) => registered.includes(blob));
  return good(
    `${keys.length} with the account${isThere ? ', yours among them' : '; autopod gives yours to each pod it makes'}`,
  );
}

async function volumes(context: Context): Promise<Examined> {
  const listed = await (await context.runpod()).listNetworkVolumes(context.signal);
  const { volumeId } = await context.config();
  const missing = volumeId !== undefined && listed.every(({ id }) => id !== volumeId);
  if (!missing) return good((await describedVolumes(context, listed)).join(', ') || 'none');
  return {
    verdict: 'bad',
    found: `the default volume ${volumeId} is not in this account`,
    fix: 'See `autopod volumes`, then `autopod config set default_volume_id ID`.',
  };
}

async function describedVolumes(context: Context, listed: NetworkVolume[]): Promise<string[]> {
  const pods = await (await context.runpod()).listPods(context.signal);
  const used = await lastUses(context, listed, pods);
  return listed.map((volume) => {
    const perMonth = volumePerMonth(volume);
    const cost = perMonth === undefined ? '' : `, ${costsText.perMonth(perMonth)}`;
    return `${volume.id} in ${volume.dataCenter}${cost}, ${lastUsed(used.get(volume.id))}`;
  });
}

/** A stopped pod's disk is paid for, and its owner may think that nothing is. */
async function stoppedPods(context: Context): Promise<Examined> {
  const pods = await (await context.runpod()).listPods(context.signal);
  const stopped = pods.filter((pod) => observePod(pod).condition === 'stopped');
  const perMonth = stopped.reduce((sum, pod) => sum + diskPerMonth(pod), 0);
  if (perMonth === 0) return good(`${stopped.length}, whose disks cost nothing`);
  const costing = stopped.filter((pod) => diskPerMonth(pod) > 0).map(({ id }) => id);
  const few =
    costing.length > 3
      ? `${costing.slice(0, 3).join(', ')} and ${costing.length - 3} more`
      : costing.join(', ');
  return {
    verdict: 'warning',
    found: `disks of stopped pods cost ${costsText.perMonth(perMonth)}: ${few}`,
    fix: 'End those you do not need: autopod kill POD. What is on their disks is lost then.',
  };
}

async function clock(context: Context): Promise<Examined> {
  const { apiUrl } = await context.config();
  const asking = {
    method: 'HEAD',
    headers: { 'user-agent': USER_AGENT },
    signal: AbortSignal.timeout(10_000),
  };
  const answer = await fetch(apiUrl, asking).catch(() => null);
  const theirs = Date.parse(answer?.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return { verdict: 'warning', found: 'RunPod did not tell the time' };
  const skewMs = Math.abs(Date.now() - theirs);
  if (skewMs < MAX_SKEW_MS) return good(`within ${Math.ceil(skewMs / 1000)} s of RunPod's`);
  return {
    verdict: 'warning',
    found: `${Math.round(skewMs / 1000)} s off RunPod's`,
    fix: 'Set it, for costs and times are told by it.',
  };
}

async function keeper(context: Context): Promise<Examined> {
  const client = await context.keeper();
  const tunnels = await client.seen(context.signal);
  const pid = await client.pid(context.signal);
  const count = `${tunnels.length} tunnel${tunnels.length === 1 ? '' : 's'}`;
  if (pid !== undefined) return good(`process ${pid}, ${count}`);
  if (tunnels.length === 0) return good('not running; no tunnels open');
  return {
    verdict: 'bad',
    found: `not running, and ${count} wanted`,
    fix: 'autopod tunnel brings it and them back.',
  };
}

async function plannedStops(context: Context): Promise<Examined> {
  const planned = plannedPods(context.home().pods) ?? [];
  // What a guard in a pod is worth depends on whether that still runs; where RunPod does not say, what is on record is told.
  const listed =
    planned.length > 0 ? await (await context.runpod()).listPods(context.signal).catch(() => []) : [];
  const told = planned.flatMap((pod) => {
    const seen = listed.find(({ id }) => id === pod.podId);
    const plan = toldPlan(pod, seen && observePod(seen));
    return plan ? [{ plan, words: text.plannedStop(pod.podId ?? pod.wish.name, plan) }] : [];
  });
  const words = told.map((one) => one.words).join(' ');
  if (told.every(({ plan }) => !plan.overdue)) return good(words || 'none');
  return { verdict: 'bad', found: words, fix: 'Stop the pod yourself: autopod stop, or autopod kill.' };
}

function portName(): string {
  try {
    return `Port ${usualLocalPort()}`;
  } catch {
    return 'Local port'; // its check tells why
  }
}

async function port(context: Context): Promise<Examined> {
  const wanted = usualLocalPort();
  const client = await context.keeper();
  const own = (await client.seen(context.signal)).find(({ localPort }) => localPort === wanted);
  if (own) return good(text.portIsOurs(own.podId));
  await requireFreePort(wanted, client);
  return good('free');
}

function lastUsed(at: string | null | undefined): string {
  return at == null ? 'last use not known' : `last used ${at.slice(0, 10)}`;
}
