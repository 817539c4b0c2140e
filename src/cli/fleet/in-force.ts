import { existsSync } from 'node:fs';
import { AutopodError } from '../../errors.ts';
import type { FleetLogin } from '../../store/fleet-login.ts';
import { loginFile } from '../../store/fleet-login-file.ts';
import { describeHome, homePath } from '../../store/home.ts';
import { LOG_IN } from '../text/log-in.ts';
import type { Verb } from '../verb.ts';

// biome-ignore lint/suspicious/noExplicitAny: a verb's options are what its command declares.
type Load = () => Promise<Verb<any>>;

/** What commands do that are about the pods of a fleet, where one is in force. */
export const FLEET_VERBS: Record<string, Load> = {
  up: async () => (await import('./up.ts')).up,
  connect: async () => (await import('./up.ts')).connect,
  start: async () => (await import('./power.ts')).start,
  restart: async () => (await import('./power.ts')).restart,
  extend: async () => (await import('./extend.ts')).extend,
  stop: async () => (await import('./power.ts')).stop,
  kill: async () => (await import('./power.ts')).kill,
  ls: async () => (await import('./ls.ts')).ls,
  info: async () => (await import('./info.ts')).info,
  history: async () => (await import('./history.ts')).history,
  run: async () => (await import('./run.ts')).run,
  jobs: async () => (await import('./jobs.ts')).jobsList,
  'jobs show': async () => (await import('./jobs.ts')).jobsShow,
  'jobs wait': async () => (await import('./jobs.ts')).jobsWait,
  'jobs cancel': async () => (await import('./jobs.ts')).jobsCancel,
  'jobs fetch': async () => (await import('./jobs.ts')).jobsFetch,
  'jobs retry': async () => (await import('./jobs.ts')).jobsRetry,
  pool: async () => (await import('./pool.ts')).poolList,
  'pool create': async () => (await import('./pool.ts')).poolCreate,
  'pool change': async () => (await import('./pool.ts')).poolChange,
  'pool show': async () => (await import('./pool.ts')).poolShow,
  'pool remove': async () => (await import('./pool.ts')).poolRemove,
  costs: async () => (await import('./costs.ts')).costs,
  logs: async () => (await import('./logs.ts')).logs,
  inspect: async () => (await import('./inspect.ts')).inspect,
  page: async () => (await import('./page.ts')).page,
};

/** Commands that go straight to a pod and ask the fleet only where it is, or ask what can be had. */
export const THROUGH_FLEET = ['tunnel', 'ssh', 'comfy status', 'comfy info', 'comfy open', 'gpus', 'volumes'];

/** Commands about pods that a fleet does not carry out: of this machine's pods they are only where that is said. */
const LOCAL_PODS = /^(run|costs|jobs)( |$)/;

/** Throws `usage` where a command would be about other pods than those that are meant. */
export function requireLocal(name: string, asked: string | undefined, fleet: FleetLogin | undefined): void {
  const isMeant = LOCAL_PODS.test(name) || (asked !== undefined && !/^(login|logout|serve)( |$)/.test(name));
  if (!fleet || !isMeant) return;
  throw new AutopodError('usage', {
    message: `\`autopod ${name}\` knows nothing of the pods of a fleet (${fleet.url}).`,
    next: LOCAL_PODS.test(name)
      ? `For the pods of this machine: autopod --fleet none ${name}`
      : 'Leave --fleet out: it is not about pods.',
  });
}

/**
 * The fleet that commands are about: the one this machine is logged in to, unless `--fleet none` says otherwise. Throws
 * `usage` for one it is not logged in to.
 */
export async function fleetInForce(
  asked: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<FleetLogin | undefined> {
  if (asked === 'none') return undefined;
  const { root } = describeHome(homePath(env));
  if (asked === undefined && !existsSync(loginFile(root))) return undefined;
  const { fleetLogin } = await import('../../store/fleet-login.ts');
  const login = await fleetLogin(root);
  if (asked === undefined || login?.url === asked) return login;
  throw new AutopodError('usage', {
    message: login
      ? `--fleet: this machine is logged in to ${login.url}, not to ${asked}.`
      : `--fleet: this machine is not logged in to ${asked}.`,
    next: LOG_IN,
  });
}
