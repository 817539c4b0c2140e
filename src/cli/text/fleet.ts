/** Words of `autopod serve` and of commands that are about a fleet. */
export const fleetText = {
  serving: (url: string, people: number) =>
    people === 0
      ? `Serving a fleet at ${url}. Nobody may use it yet: autopod serve invite NAME`
      : `Serving a fleet at ${url} for ${people === 1 ? 'one person' : `${people} people`}. Ctrl-C ends it; what it is at goes on when it is served again.`,
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
  served: (url: string, since: string, pid: number) =>
    `A fleet is served at ${url} since ${since} (process ${pid}).`,
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
  notLoggedIn: () => 'This machine is logged in to no fleet.',
};
