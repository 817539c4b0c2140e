import type { Command, Option } from 'commander';
import { AutopodError } from '../../errors.ts';

/** Why nothing in a fleet carries an option out, and what does what it is for. */
export interface NotCarriedOut {
  why: string;
  next: string;
  /** Only with this value; any other is carried out. */
  value?: string;
}

type Options = Record<string, NotCarriedOut>;

const SPENDING = {
  why: 'What may run and cost in a fleet is for its server to keep.',
  next: 'Change it there: autopod serve limits',
};
const LIMITS: Options = Object.fromEntries(
  ['maxPods', 'maxPerHour', 'maxPerDay', 'maxPerLaunch', 'overLimit'].map((name) => [name, SPENDING]),
);
const IF_ALONE = {
  why: 'The server watches the pods of a fleet, so none is left alone with its costs.',
  next: 'Use --idle-stop of autopod up, or leave it out.',
};
const REPLACING: Options = Object.fromEntries(
  ['replace', 'replaceBroken'].map((name) => [
    name,
    {
      why: 'Others use the pods of a fleet, too, so none takes the place of another one by itself.',
      next: 'Make another one with: autopod up --new',
    },
  ]),
);
const THEN_KILL = {
  why: 'What a fleet does by itself is to stop a pod, never to end it.',
  next: 'Leave it out, and end the pod with: autopod kill',
  value: 'kill',
};

const UP: Options = {
  ...LIMITS,
  ...REPLACING,
  ifAlone: IF_ALONE,
  // biome-ignore lint/suspicious/noThenProperty: an option of this name, and no value that is awaited
  then: THEN_KILL,
  dryRun: {
    why: 'Where a pod comes to be is for the server of the fleet to find out.',
    next: 'See what could be had with: autopod gpus',
  },
  inspect: {
    why: 'The machines of a fleet run at its server.',
    next: 'Watch them with: autopod inspect',
  },
};

const BY_POOL = {
  why: 'A fleet makes pods for jobs by itself, as their pool says.',
  next: 'Say what they are with: autopod pool change POOL',
};
const ENDS_BY_POOL = {
  why: 'A pool ends its pods by itself when they had no job for a while.',
  next: 'Say after how long with: autopod pool change POOL --idle 5m',
};
const RUN: Options = {
  ...REPLACING,
  ...Object.fromEntries(
    [
      ...['up', 'new', 'pods', 'podName', 'gpu', 'gpuCount', 'minCuda', 'diskSize', 'datacenter', 'template'],
      ...['cloudType', 'volumeId', 'volume', 'volumeMount', 'expose', 'exposeAll'],
    ].map((name) => [name, BY_POOL]),
  ),
  stopAfter: ENDS_BY_POOL,
  idleStop: ENDS_BY_POOL,
  ifAlone: ENDS_BY_POOL,
  // biome-ignore lint/suspicious/noThenProperty: an option of this name, and no value that is awaited
  then: ENDS_BY_POOL,
  localPort: {
    why: 'Jobs of a fleet go by its server, and not by a tunnel of this machine.',
    next: 'Leave it out.',
  },
};

/** By command, and by option as commander names it. */
const NOT_CARRIED_OUT: Record<string, Options> = {
  up: UP,
  connect: UP,
  start: { ...LIMITS, ...REPLACING },
  restart: LIMITS,
  run: RUN,
  history: {
    all: {
      why: 'Each machine has its own tunnels, so the fleet knows nothing of their attempts.',
      next: 'For those of this machine: autopod --fleet none history --all',
    },
  },
  'jobs fetch': {
    previews: {
      why: 'A fleet brings previews to its server only while a job runs.',
      next: 'Run it again with: autopod run FILE --previews',
    },
  },
  tunnel: Object.fromEntries(
    ['stopAfter', 'idleStop', 'ifAlone', 'then', 'overLimit'].map((name) => [
      name,
      {
        why: 'When a pod of a fleet is stopped is for its server to keep, not for this machine.',
        next: 'Say it with autopod up POD --stop-after 2h, or give it more time with autopod extend.',
      },
    ]),
  ),
};

/** Throws `usage` for an option that is given and that a fleet does not carry out, rather than leave it out. */
export function requireCarriedOut(name: string, command: Command): void {
  for (const option of command.options) {
    const attribute = option.attributeName();
    const refused = refusalOf(name, option);
    if (!refused || command.getOptionValueSource(attribute) !== 'cli') continue;
    if (refused.value !== undefined && command.getOptionValue(attribute) !== refused.value) continue;
    const { why, next, value } = refused;
    throw new AutopodError('usage', {
      message: `${option.long}${value === undefined ? '' : ` ${value}`} does nothing in a fleet. ${why}`,
      next: `${next} For the pods of this machine, say --fleet none.`,
    });
  }
}

/** Undefined for an option that a fleet carries out. */
export function refusalOf(name: string, option: Option): NotCarriedOut | undefined {
  return NOT_CARRIED_OUT[name]?.[option.attributeName()];
}
