import { type Command, Option } from 'commander';
import {
  cloudType,
  dataCenter,
  durationMs,
  minCuda,
  portNumber,
  price,
  since,
  sinceDate,
  wholeNumber,
} from '../arguments/options.ts';
import { GROUPINGS } from '../costs/report.ts';
import { ASKING_MINUTES, examples, json, POD, type Runs, timeout } from './shared.ts';

/** Minutes for a dozen checks, each of which may find that nobody answers. */
const DOCTOR_MINUTES = 10;

/** What is, what was, and what could be had. */
export function addInsight(program: Command, runs: Runs): void {
  json(program.command('logs').argument(...POD))
    .summary("show a pod's log")
    .option('-f, --follow', 'go on as lines come, until Ctrl-C')
    .option('--system', "only RunPod's: image pull, start, stop")
    .option('--container', "only the container's")
    .addOption(
      new Option('--since <time>', 'from 10m ago, or from an RFC 3339 time').argParser((value) =>
        since(value, new Date()),
      ),
    )
    .option(
      '--tail <n>',
      'only the last n lines of the past; 200 unless --since is given',
      wholeNumber(0, 5_000),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long to wait, or with -f to go on').argParser(durationMs),
    )
    .addHelpText('after', examples(['autopod logs -f --tail 20', 'autopod logs --system --since 10m']))
    .action(runs(async () => (await import('../commands/logs.ts')).logs));

  json(program.command('history').argument('[pod]', 'pod id or name; of a pod long gone its id'))
    .summary('what happened to pods and tunnels, and why')
    .option('--tail <n>', 'only the last lines', wholeNumber(1))
    .option('--all', 'each attempt of a tunnel, too')
    .action(runs(async () => (await import('../commands/history.ts')).history));

  json(program.command('inspect').argument('[pod]', 'pod id or name; of a pod long gone its id'))
    .summary('see the machines of pods and tunnels at work, in a browser')
    .description(
      'Serves a page on this machine that shows the state of every pod and tunnel, live, and lets you step back through what happened. It works offline and changes nothing.',
    )
    .option('--no-open', 'open no browser; only print the address')
    .option('--port <port>', 'port of the page; without it a free one', portNumber)
    .addHelpText('after', examples(['autopod inspect', 'autopod inspect --no-open --port 8190']))
    .action(runs(async () => (await import('../commands/inspect.ts')).inspect));

  timeout(
    json(program.command('gpus').argument('[name]', 'only GPUs whose name has this in it')),
    ASKING_MINUTES,
  )
    .summary('which GPUs could be had now, where, and for how much')
    .option('--volume-id <id>', 'where this volume is')
    .addOption(new Option('--datacenter <id>', 'in this data center').argParser(dataCenter))
    .addOption(
      new Option('--cloud-type <type>', 'SECURE, COMMUNITY or ALL').argParser(cloudType).default('ALL'),
    )
    .option('--gpu-count <n>', 'so many in one pod', wholeNumber(1), 1)
    .addOption(
      new Option(
        '--min-cuda <x.y>',
        'lowest CUDA version of the host, or none for any; left out, what the image needs',
      ).argParser(minCuda),
    )
    .option('--min-memory <gb>', 'at least so much memory each', wholeNumber(1))
    .option('--max-price <usd>', 'at most so much an hour', price)
    .option('--all', 'include GPUs that are out of stock')
    .addHelpText('after', examples(['autopod gpus --min-memory 24 --max-price 0.80', 'autopod gpus 4090']))
    .action(runs(async () => (await import('../commands/gpus.ts')).gpus));

  timeout(json(program.command('costs')), ASKING_MINUTES)
    .summary('what pods and network volumes have cost, and what runs at which rate')
    .addOption(
      new Option('--last <duration>', 'so far back; 7d unless --since is given').argParser(durationMs),
    )
    .addOption(new Option('--since <date>', 'from this day or time on (UTC)').argParser(sinceDate))
    .addOption(
      new Option('--by <what>', 'one line for each (default: day; of a fleet: person)').choices([
        ...GROUPINGS,
        'person',
      ]),
    )
    .option('--csv', 'print a table for spreadsheets')
    .addHelpText(
      'after',
      examples(['autopod costs --last 30d', 'autopod costs --since 2026-11-01 --by pod --csv']),
    )
    .action(runs(async () => (await import('../commands/costs.ts')).costs));

  timeout(json(program.command('volumes')), ASKING_MINUTES)
    .summary('list the network volumes, and where they are')
    .action(runs(async () => (await import('../commands/volumes.ts')).volumes));

  timeout(json(program.command('doctor')), DOCTOR_MINUTES)
    .summary('check everything autopod depends on, and how to fix it')
    .action(runs(async () => (await import('../commands/doctor.ts')).doctor));
}
