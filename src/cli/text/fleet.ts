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
    `${count === 1 ? 'One step is' : `${count} steps are`} being tried again and again. Why, says fleet/logs/autopod.log in AUTOPOD_HOME.`,
  backedUp: (path: string, megabytes: number) =>
    `All of the fleet is in ${path} (${megabytes.toFixed(1)} MB).`,
  loggedIn: (name: string, role: string, url: string) =>
    `Logged in to ${url} as ${name} (${role}). Commands are about the pods of this fleet from now on; --fleet none means those of this machine.`,
  loggedInWithoutKey: () =>
    'There is no ssh key here that could be used, so pods will not let this machine in. Make one with `ssh-keygen -t ed25519` and log in again.',
  loggedOut: (url: string) => `${url} is forgotten; its token is not kept here any more.`,
  planned: (name: string, at: string) =>
    `The fleet stops ${name} at ${at}, whether or not a job runs then and whoever sleeps.`,
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
      : `${pods === 1 ? 'One pod' : `${pods} pods`} now, at ${rate} in all; jobs pay for the time that ComfyUI ran, the rest is nobody's.`,
  notRetried: (named: string) => ({
    message: 'A job of a fleet is not made again by `jobs retry`.',
    next: `Run its workflow again with the same values; a picture that it made carries them: autopod run PICTURE. What they were says: autopod jobs show ${named}`,
  }),
  noJobCosts: () => 'No jobs have run in that time.',
  notLoggedIn: () => 'This machine is logged in to no fleet.',
};
