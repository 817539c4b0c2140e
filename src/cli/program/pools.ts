import { type Command, Option } from 'commander';
import { poolName } from '../arguments/fleet.ts';
import { durationMs, wholeNumber } from '../arguments/options.ts';
import { podLike } from './launch.ts';
import { ASKING_MINUTES, examples, json, type Runs, timeout } from './shared.ts';

/** Pools of a fleet: pods that are made for its jobs, and ended when there are none. */
export function addPools(program: Command, runs: Runs): void {
  const pool = timeout(json(program.command('pool')), ASKING_MINUTES)
    .enablePositionalOptions()
    .summary('pods that a fleet makes for its jobs, and ends when there are none')
    .description(
      'Lists the pools of the fleet. A pool has so many pods as its jobs need, between a least and a most: another one when work waits, and one less when a pod had nothing to do for a while. `autopod run` hands jobs to it, fairly between people.',
    )
    .addHelpText(
      'after',
      examples([
        'autopod pool create art --max 4 --gpu A40 --volume-id abc123',
        'autopod pool change art --min 1',
        'autopod pool show art',
        'autopod run portrait.json --pool art',
        'autopod pool remove art',
      ]),
    )
    .action(runs(async () => (await import('../fleet/pool.ts')).poolList));

  const named = (name: string) =>
    timeout(json(pool.command(name)), ASKING_MINUTES).argument(
      '<name>',
      'small letters, digits and dashes',
      poolName,
    );
  sized(named('create'))
    .summary('make a pool; settings of config.json are the defaults of its pods')
    .action(runs(async () => (await import('../fleet/pool.ts')).poolCreate));
  sized(named('change'))
    .summary('change a pool; what its pods are holds for those made from then on')
    .action(runs(async () => (await import('../fleet/pool.ts')).poolChange));
  named('show')
    .summary('how a pool stands: its pods, its jobs, and why it has no more pods')
    .action(runs(async () => (await import('../fleet/pool.ts')).poolShow));
  named('remove')
    .summary('end the pods of a pool whose jobs have ended, and forget it')
    .option('-y, --yes', 'do not ask')
    .action(runs(async () => (await import('../fleet/pool.ts')).poolRemove));
}

function sized(command: Command): Command {
  command
    .optionsGroup('How many:')
    .option('--min <n>', 'pods that it always has (default of a pool: 0)', wholeNumber(0, 100))
    .option('--max <n>', 'pods that it has at most (default of a pool: 1)', wholeNumber(0, 100))
    .addOption(
      new Option(
        '--idle <duration>',
        'end a pod that had no job for so long (default of a pool: 5m)',
      ).argParser(durationMs),
    )
    .addOption(
      new Option(
        '--patience <duration>',
        'make another pod for each so much work that waits (default of a pool: 2m)',
      ).argParser(durationMs),
    );
  return podLike(command.optionsGroup('What its pods are:')).optionsGroup('What is shown:');
}
