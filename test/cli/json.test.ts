import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/**
 * Every example of docs/json.md has the fields its command prints, and no others.
 * With UPDATE_JSON_EXAMPLES set the examples are written anew.
 */
const path = join(import.meta.dirname, '..', '..', 'docs', 'json.md');
const doc = readFileSync(path, 'utf8');
const BLOCK = /```json (.+)\n([\s\S]*?)\n```/g;
const examples = [...doc.matchAll(BLOCK)].map(([, command = '', example = '']) => ({ command, example }));
const seen = new Map<string, string>();

let world: TestWorld;
beforeAll(async () => {
  world = await startWorld();
  // Whether another ssh stands by already is a matter of moments.
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ standbyAfterMs: 3_600_000 });
});
afterAll(async () => {
  await world.end();
  if (!process.env.UPDATE_JSON_EXAMPLES) return;
  writeFileSync(
    path,
    doc.replace(BLOCK, (_, command: string) => `\`\`\`json ${command}\n${seen.get(command)}\n\`\`\``),
  );
});

describe('docs/json.md', () => {
  it.each(examples)('$command', async ({ command, example }) => {
    const { stdout } = await world.autopod([...argvOf(command), '--json']);
    seen.set(
      command,
      JSON.stringify(shortened(JSON.parse(stdout)), null, 2).replaceAll(world.home, '~/.autopod'),
    );
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

/** A field that comes and goes is named in the text, not in the example. */
const OPTIONAL = /^(lastActivityAt|lastHealedAt|lastDeath|failure|reason|fix|detail|system|requests?)$/;

/** The names of all fields, as paths; of a list those of its elements. */
function fieldsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => fieldsOf(one, `${at}[]`)))].toSorted();
  if (typeof value !== 'object' || value === null) return [];
  const fields = Object.entries(value).filter(([name]) => !OPTIONAL.test(name));
  return [
    ...new Set(fields.flatMap(([name, inner]) => [`${at}.${name}`, ...fieldsOf(inner, `${at}.${name}`)])),
  ].toSorted();
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
}
