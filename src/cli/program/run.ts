import { type Command, InvalidArgumentError, Option } from 'commander';
import { poolName, priority } from '../arguments/fleet.ts';
import { collect, price, wholeNumber } from '../arguments/options.ts';
import { creating } from './launch.ts';
import { autoStop, examples, json, POD, portOption, type Runs, replacing, timeout } from './shared.ts';

const OUT = 'autopod-output';
const NAME = '{date}-{job}-{node}-{n}.{ext}';
/** Minutes until ComfyUI answers, where a pod has to come to be. */
const READY_MINUTES = 30;

/** `run`: a workflow as jobs. */
export function addRun(program: Command, runs: Runs): void {
  const command = program
    .command('run')
    .argument('<file>', 'a workflow in either format, a file that ComfyUI made, or - for standard input')
    .argument(...POD)
    .summary('run a workflow, and bring what it makes to this machine')
    .description(
      'Runs a workflow on a pod and downloads what it makes; prints one path a line. What is wrong with the workflow is told before anything is submitted.',
    )
    .optionsGroup('What is run:')
    .option('--set <NODE.INPUT=VALUE>', 'change a value; @FILE for the text of a file; repeatable', collect)
    .option('--seed <seed>', 'a number for every seed, "random", or "same" as in the file')
    .option(
      '--input <NODE.INPUT=FILE>',
      'upload a file of this machine and use it there; repeatable',
      collect,
    )
    .option('--show', 'print what can be set, with types, ranges and defaults; run nothing')
    .option('--dry-run', 'print the API format and what is wrong with it; run nothing')
    .optionsGroup('What is made:')
    .option('--out <folder>', 'where files are written', OUT)
    .option('--name <template>', 'names of files', NAME)
    .option('--previews', 'download previews, too')
    .option('--no-preview', 'show no picture on the terminal')
    .optionsGroup('Many:')
    .option('--count <n>', 'so many times, with a seed for each', wholeNumber(1), 1)
    .option('--sweep <NODE.INPUT=VALUES>', 'a job for each value: 1..10:3, or a,b,c; repeatable', collect)
    .option('--rows <file>', 'a job for each row of a CSV or JSONL file')
    .addOption(
      new Option('--on-error <what>', 'when a job fails, stop those that have not begun, or go on')
        .choices(['stop', 'go-on'])
        .default('stop'),
    )
    .addOption(new Option('--max-cost <usd>', 'begin no further job once so much is spent').argParser(price))
    .optionsGroup('Where:')
    .option('--up', 'bring the pod up first, as `autopod up` does, with its options')
    .option('--new', 'with --up, create a pod even when there is one')
    .addOption(
      new Option(
        '--pods <pods>',
        'so many pods, renting what is missing; or their names, with commas',
      ).argParser(podsOption),
    )
    .addOption(
      new Option(
        '--then <what>',
        'what becomes of pods rented for this, or named, when nothing is left for them',
      )
        .choices(['keep', 'stop', 'kill'])
        .default('keep'),
    )
    .addOption(
      new Option(
        '--pool <name>',
        'of a fleet: the pool whose pods work on it (default: the only one)',
      ).argParser(poolName),
    )
    .addOption(
      new Option('--priority <n>', 'of a fleet: jobs of a higher one come first (default: 0)').argParser(
        priority,
      ),
    )
    .option('-y, --yes', 'do not ask before renting, or ending a named pod')
    .addOption(portOption());
  timeout(command, READY_MINUTES, 'how long to wait until ComfyUI answers');
  creating(command, '--pod-name').optionsGroup('When it ends, and what takes its place:');
  replacing(autoStop(command)).optionsGroup('What is shown:');
  json(command)
    .option('--json-stream', 'print one JSON line for each change of state')
    .option('--detach', 'return once it is kept; the keeper goes on')
    .addHelpText(
      'after',
      examples([
        'autopod run portrait.json',
        'autopod run portrait.json --show',
        'autopod run portrait.json --set 6.text="a red fox" --seed random',
        'autopod run made.png --input "Load Image.image=cat.jpg" --out pictures',
        'autopod run portrait.json --up --gpu A40 --then kill',
        'autopod run portrait.json --sweep KSampler.cfg=4..8:2 --count 4 --pods 4 --max-cost 2',
      ]),
    )
    .action(runs(async () => (await import('../commands/run.ts')).run));
}

/** `4`, or `art,b3x9`. */
function podsOption(value: string): number | string[] {
  if (/^\d+$/.test(value)) return wholeNumber(1, 100)(value);
  const names = value.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) {
    throw new InvalidArgumentError('It takes a number of pods, or names with commas between them.');
  }
  return [...new Set(names)];
}
