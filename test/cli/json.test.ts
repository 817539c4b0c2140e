import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleOf, fieldsOf, jsonExamples, writeExamplesAnew } from '../support/json-examples.ts';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/**
 * Every example of docs/json.md has the fields its command prints, and no others; those of a fleet are tried in
 * test/fleet/json.test.ts. With UPDATE_JSON_EXAMPLES set the examples are written anew.
 */
const examples = jsonExamples().filter(({ command }) => !command.startsWith('fleet: '));
const seen = new Map<string, string>();

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld();
  // Whether another ssh stands by already is a matter of moments.
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ standbyAfterMs: 3_600_000 });
});
afterAll(async () => {
  await world.end();
  writeExamplesAnew(seen);
});

describe('docs/json.md', () => {
  it.each(examples)('$command', async ({ command, example }) => {
    const { stdout } = await world.autopod([...argvOf(command), '--json']);
    seen.set(command, exampleOf(stdout).replaceAll(world.home, '~/.autopod'));
    if (!process.env.UPDATE_JSON_EXAMPLES) {
      expect(fieldsOf(JSON.parse(stdout))).toEqual(fieldsOf(JSON.parse(example)));
    }
  });

  it('has an example of every command that takes --json and shows something', () => {
    const documented = examples.map(({ command }) => command.split(' ').slice(0, 1).join());
    const expected = [
      'up',
      'ls',
      'info',
      'tunnel',
      'comfy',
      'gpus',
      'costs',
      'volumes',
      'logs',
      'run',
      'jobs',
      'history',
      'doctor',
      'config',
      'stop',
      'kill',
    ];
    expect([...new Set(documented)]).toEqual(expect.arrayContaining(expected));
  });
});

function argvOf(command: string): string[] {
  if (command === 'error') return ['info', 'nobody'];
  if (command === 'up') return ['up', '--local-port', 'auto', '--volume-id', 'abc123xyz', '--name', 'art'];
  if (command.startsWith('run ')) {
    const [, , ...options] = command.split(' ');
    return [
      'run',
      workflowFile(world.home, 'fox.json', EMPTY_IMAGE),
      '--out',
      join(world.home, 'out'),
      ...options,
    ];
  }
  if (command === 'tunnel --stop') return ['tunnel', '--stop', 'nobody'];
  return command.split(' ');
}
