import { type Command, Option } from 'commander';
import { poolName } from '../arguments/fleet.ts';
import { durationMs } from '../arguments/options.ts';
import { ASKING_MINUTES, examples, json, POD, type Runs, timeout } from './shared.ts';

const JOB = ['[job]', 'id of a job or batch, the beginning of one, its name, or a file it made'] as const;

/** What has become of the jobs that `run` made. */
export function addJobs(program: Command, runs: Runs): void {
  const jobs = json(program.command('jobs'))
    .enablePositionalOptions()
    .summary('list jobs, and see what has become of them')
    .option('--all', 'every job there was')
    .addHelpText(
      'after',
      examples([
        'autopod jobs',
        'autopod jobs show k3f',
        'autopod jobs cancel k3f',
        'autopod jobs show fox.png',
      ]),
    )
    .action(runs(async () => (await import('../commands/jobs-list.ts')).jobsList));

  json(jobs.command('show').argument(...JOB))
    .summary('show all about one job; a file that was made tells its job')
    .action(runs(async () => (await import('../commands/jobs-show.ts')).jobsShow));

  json(jobs.command('wait').argument(...JOB))
    .summary('follow a job, or all that go on, to the end; exit 0 when all are done')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(durationMs))
    .option('--no-preview', 'show no picture on the terminal')
    .option('--json-stream', 'print one JSON line for each change of state')
    .action(runs(async () => (await import('../commands/jobs-wait.ts')).jobsWait));

  timeout(json(jobs.command('cancel').argument(...JOB)), ASKING_MINUTES)
    .summary('take a job back: out of the queue, or interrupted while it runs')
    .action(runs(async () => (await import('../commands/jobs-cancel.ts')).jobsCancel));

  json(jobs.command('fetch').argument(...JOB))
    .summary('download what a job has made and is not here yet')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(durationMs))
    .option('--out <folder>', 'where files are written; without it, where they were to be')
    .option('--previews', 'previews, too')
    .action(runs(async () => (await import('../commands/jobs-fetch.ts')).jobsFetch));

  json(
    jobs
      .command('retry')
      .argument(...JOB)
      .argument(...POD),
  )
    .summary('make a job again, or what failed of a batch, with the same values')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(durationMs))
    .option('--out <folder>', 'where files are written; without it, where they were to be')
    .addOption(
      new Option('--pool <name>', 'of a fleet: another pool than the one they had').argParser(poolName),
    )
    .option('--detach', 'return once it is kept; it goes on by itself')
    .option('--no-preview', 'show no picture on the terminal')
    .option('--json-stream', 'print one JSON line for each change of state')
    .action(runs(async () => (await import('../commands/jobs-retry.ts')).jobsRetry));
}
