import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleOf, fieldsOf, jsonExamples, writeExamplesAnew } from '../support/json-examples.ts';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { isWholeAsked } from './support/engine.ts';
import type { TestFleet } from './support/fleet.ts';
import { outOf, startJobsFleet } from './support/jobs-fleet.ts';
import { type Laptop, newLaptop } from './support/laptop.ts';

const HEAD = 'fleet: ';
const examples = jsonExamples().filter(({ command }) => command.startsWith(HEAD));
const seen = new Map<string, string>();

describe.runIf(isWholeAsked)('docs/json.md of a fleet', () => {
  let fleet: TestFleet;
  let ann: Laptop;

  beforeAll(async () => {
    fleet = await startJobsFleet();
    ann = await newLaptop(fleet, 'ann');
  }, 60_000);
  afterAll(async () => {
    await fleet.end();
    writeExamplesAnew(seen);
  });

  const printed = async (command: string): Promise<string> => {
    const words = command.split(' ');
    if (words[0] === 'serve') return (await fleet.autopod([...words, '--json'])).stdout;
    if (words[0] === 'login') {
      const invited = await fleet.autopod(['serve', 'invite', 'ann', '--json']);
      return (await ann.autopod('login', JSON.parse(invited.stdout).url, '--json')).stdout;
    }
    if (words[0] === 'run') {
      const file = workflowFile(ann.home, 'fox.json', EMPTY_IMAGE);
      return (await ann.autopod('run', file, '--pool', 'art', '--out', outOf(ann), '--json')).stdout;
    }
    if (words[2] === 'JOB') {
      const { jobs } = JSON.parse((await ann.autopod('jobs', '--json')).stdout);
      words[2] = jobs[0].jobId;
      if (/fetch|retry/.test(words[1] ?? '')) words.push('--out', outOf(ann));
    }
    return (await ann.autopod(...words, '--json')).stdout;
  };

  // In their order: each leaves what the next one tells of.
  it.each(examples)('$command', async ({ command, example }) => {
    const stdout = await printed(command.slice(HEAD.length));
    seen.set(command, exampleOf(stdout).replaceAll(ann.home, '~').replaceAll(fleet.home, '~/.autopod'));
    if (!process.env.UPDATE_JSON_EXAMPLES) {
      expect(fieldsOf(JSON.parse(stdout)), stdout).toEqual(fieldsOf(JSON.parse(example)));
    }
  });

  it('has an example of every command about a fleet that shows something else than for one machine', () => {
    const documented = examples.map(({ command }) => command.slice(HEAD.length));
    for (const command of [
      ...['login', 'logout', 'page', 'up', 'ls', 'info', 'extend', 'stop', 'kill', 'history', 'costs'],
      ...[
        'run',
        'jobs',
        'jobs show',
        'jobs wait',
        'jobs cancel',
        'jobs fetch',
        'jobs retry',
        'pool',
        'pool show',
      ],
      ...[
        'pool create',
        'pool remove',
        'serve invite',
        'serve people',
        'serve limits',
        'serve storage',
        'serve status',
        'serve remove',
      ],
    ])
      expect(
        documented.some((one) => `${one} `.startsWith(`${command} `)),
        command,
      ).toBe(true);
  });
});
