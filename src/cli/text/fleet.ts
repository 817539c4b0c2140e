import type { FleetCosts } from '../../fleet/wire-jobs.ts';
import type { AutoStop } from '../../keeper/client.ts';
import { inNoFleet, LOG_IN } from './log-in.ts';
import { planSentence } from './planned-stop.ts';

const SERVER = 'the fleet’s server';

/** Words of `autopod serve` and of commands that are about a fleet. */
export const fleetText = {
  serving: (url: string, people: number) =>
    people === 0
      ? `Serving a fleet at ${url}. Nobody may use it yet: autopod serve invite NAME`
      : `Serving a fleet at ${url} for ${people === 1 ? 'one person' : `${people} people`}. Ctrl-C ends it; what it is at goes on when it is served again.`,
  takingOver: (from: string, version: string) =>
    `Version ${from} serves this fleet; it hands over to ${version} now, and goes on with what it has begun until that is done.`,
  handedOver: (version: string) =>
    `Version ${version} serves from now on. This one goes on with what it has begun, and ends by itself when that is done.`,
  left: () => 'All that was begun here is done.',
  leaving: (version: string, pid: number, calls: number) =>
    `Version ${version} (process ${pid}) is at ${calls === 1 ? 'one step' : `${calls} steps`} that it has begun, and leaves then.`,
  leftBehind: (version: string, calls: number) =>
    `Version ${version} has ended before ${calls === 1 ? 'one step was' : `${calls} steps were`} done.`,
  moreWait: (count: number) =>
    `${count === 1 ? 'One more waits' : `${count} more wait`} for a pod: autopod jobs --all lists every one.`,
  installing: () =>
    "Having npm download Restate's server, about 225 MB. It is free to use; its licence is the BSL.",
  installed: (path: string) => `Restate's server is at ${path}. Now: autopod serve`,
  invited: (name: string, role: string) =>
    `${name} logs in with this line, once, within a day (role ${role}):`,
  removed: (name: string) => `${name} is out: no token and no invitation of theirs is taken any more.`,
  keysGo: (count: number, isServed: boolean) => {
    const [keys, are] = count === 1 ? ['Their ssh key', 'is'] : [`Their ${count} ssh keys`, 'are'];
    const when = isServed ? 'now' : 'once the fleet is served again';
    return `${keys} ${are} taken out of the pods that run ${when}, and out of the others whenever they start. An ssh connection that stands lasts until it ends: autopod restart POD ends it.`;
  },
  nobodyCalled: (name: string) => `Nobody here is called “${name}”.`,
  nobody: () => 'Nobody may use the fleet yet: autopod serve invite NAME',
  notServed: () => 'No fleet is served from this machine now.',
  served: (url: string, since: string, pid: number, version: string) =>
    `A fleet is served at ${url} since ${since} (version ${version}, process ${pid}).`,
  engineSilent: () =>
    "Restate's server does not answer; it is being started again. Nothing is lost meanwhile.",
  stuck: (count: number) =>
    `${count === 1 ? 'One step is' : `${count} steps are`} being tried again and again, and ${count === 1 ? 'goes' : 'go'} on by ${count === 1 ? 'itself' : 'themselves'} once what is in the way is gone:`,
  stuckStep: ({ object, key, reason }: { object: string; key: string; reason: string }) =>
    `  ${object} ${key}: ${reason}`,
  backedUp: (path: string, megabytes: number) =>
    `All of the fleet is in ${path} (${megabytes.toFixed(1)} MB).`,
  notBackedUp: (inBuckets: string | undefined) =>
    `Not in it: the RunPod key${inBuckets === undefined ? '' : `, what lies in buckets (${inBuckets})`}, and what a bucket is entered with.`,
  waitsForRoom: () =>
    "There is no room on the disk of the fleet's server for what jobs have made: it stays on the pods until there is.",
  filesRemoved: (jobId: string, at: string) => `What job ${jobId} made was removed on ${at}.`,
  loggedIn: (name: string, role: string, url: string) =>
    `Logged in to ${url} as ${name} (${role}). Commands are about the pods of this fleet from now on; --fleet none means those of this machine.`,
  loggedInWithoutKey: () =>
    'There is no ssh key here that could be used, so pods will not let this machine in. Make one with `ssh-keygen -t ed25519` and log in again.',
  loggedOut: (url: string) => `${url} is forgotten; its token is not kept here any more.`,
  planned: (name: string, at: string) =>
    `The fleet stops ${name} at ${at}, whether or not a job runs then and whoever sleeps.`,
  server: () => SERVER,
  plannedStop: (podId: string, plan: AutoStop) =>
    planSentence(`Pod ${podId}`, plan, `, by ${SERVER}`, SERVER),
  idle: (name: string, after: string) =>
    `The fleet stops ${name} after ${after} without a job, an open shell, a copy, or work on its GPU.`,
  notPlanned: (name: string) => `${name} is stopped by itself only where the fleet's policy says so.`,
  others: (owner: string) => `This pod is ${owner}'s; you use it together.`,
  waitingForFleet: (seconds: number) => `The fleet does not answer; trying again for up to ${seconds} s.`,
  fleetAway: () => 'The fleet does not answer now. Its pods and jobs go on; waiting for it.',
  unchecked: (pool: string) =>
    `No pod like those of pool ${pool} has been ready yet, so the workflow is not checked before it is run.`,
  submitted: (batchId: string, jobs: number, pool: string) =>
    `${jobs === 1 ? `Job ${batchId} is` : `Batch ${batchId} of ${jobs} jobs is`} with the fleet, for pool ${pool}; it goes on while this machine sleeps.`,
  filesThere: (jobId: string) => `Its files are with the fleet: autopod jobs fetch ${jobId}`,
  noPools: () => 'The fleet has no pool. Make one with: autopod pool create NAME --max 2',
  poolSet: (name: string, min: number, max: number) =>
    `Pool ${name} has ${min === max ? `${max} pods` : `${min} to ${max} pods`}, as its jobs need them.`,
  poolRemoved: (name: string) => `Pool ${name} ends its pods, and is no more then.`,
  removeQuestion: (name: string, pods: number) =>
    `End ${pods === 1 ? 'the pod' : `all ${pods} pods`} of pool ${name}, and forget it? [y/N] `,
  podsCost: (pods: number, rate: string) =>
    pods === 0
      ? 'The fleet has no pods now, and nothing costs.'
      : `${pods === 1 ? 'One pod' : `${pods} pods`} now, at ${rate} in all.`,
  costsTitle: (since: string) =>
    `Costs of the fleet's pods since ${since.slice(0, 16).replace('T', ' ')} UTC. RunPod books by hours and days of UTC.`,
  costsTotal: ({ usd, unbookedUsd, people, pools }: FleetCosts) =>
    `$${usd.toFixed(2)} in all${people.length + pools.length > 0 ? ', and the sum of either column' : ''}.${
      unbookedUsd >= 0.005
        ? ` RunPod has not booked $${unbookedUsd.toFixed(2)} of it yet; that is reckoned from how long the pods ran.`
        : ''
    }${
      pools.length > 0
        ? ' A pool costs by itself while its pods come up and wait; WITH WAITING gives that to who used it, as their jobs go.'
        : ''
    } Network volumes are not in it.`,
  bookUnread: () =>
    'The key of the fleet’s server may not see what RunPod has booked, so all of it is reckoned from how long the pods ran.',
  notBy: (by: string) => ({
    message: `--by ${by} is not for the costs of a fleet: ${by === 'job' ? 'jobs are only part of what its pods cost' : 'its pods share network volumes, which are the account’s'}.`,
    next:
      by === 'job'
        ? 'What each job has cost is in: autopod jobs --all'
        : 'See them at the server: autopod --fleet none costs --by volume',
  }),
  unknownFile: (file: string) =>
    `No job of the fleet is known to have made ${file}; a file is known by its content, as long as it is not edited.`,
  noPage: () => ({
    ...inNoFleet('The page is a fleet’s'),
    next: `${LOG_IN}. For this machine’s pods: autopod inspect`,
  }),
  pageOnce: () =>
    'The address serves once, within two minutes; whoever opens it first is let in as you. Ask for another one with: autopod page',
  notLoggedIn: () => 'This machine is logged in to no fleet.',
};
