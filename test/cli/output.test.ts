import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printable, printableDeep, printableJson, printableLines } from '../../src/cli/output/printable.ts';
import { columnsOf, cutTo, piecesOf } from '../../src/cli/output/width.ts';
import { panel } from '../../src/cli/views/panel.ts';
import { table } from '../../src/cli/views/table.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
const ESC = '\u001b';

describe('a reader that is slow', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await startWorld();
    const entry = {
      at: '2026-11-01T00:00:00.000Z',
      machine: 'pod@1',
      id: 'pod1',
      from: 'a',
      to: 'b',
      event: 'x',
    };
    const lines = Array.from({ length: 8_000 }, (_, n) =>
      JSON.stringify({ ...entry, reason: `number ${n}` }),
    );
    appendFileSync(join(world.home, 'journal.jsonl'), `${lines.join('\n')}\n`);
  });
  afterAll(() => world.end());

  it.each([
    { argv: ['history', '--json'], isWhole: (text: string) => JSON.parse(text).entries.length === 8_000 },
    { argv: ['history', 'pod1', '--all'], isWhole: (text: string) => text.trimEnd().endsWith('number 7999') },
    {
      argv: ['history', '--json', '--tail', '7000'],
      isWhole: (text: string) => JSON.parse(text).entries.length === 7_000,
    },
  ])('gets all of $argv', async ({ argv, isWhole }) => {
    const child = spawn(process.execPath, [cli, ...argv], {
      env: world.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // Until the pipe is full and everything is written that fits.
    await sleep(1_500);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const [code] = await once(child, 'close');
    expect(text.length).toBeGreaterThan(65_536);
    expect([code, isWhole(text)]).toEqual([0, true]);
  });

  it('that closes the pipe is no error', async () => {
    const child = spawn(process.execPath, [cli, 'history', '--json'], {
      env: world.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'readable');
    child.stdout.destroy();
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      words += part;
    });
    const [code] = await once(child, 'close');
    expect([code, words]).toEqual([0, '']);
  });
});

describe('words from outside', () => {
  const NAMES: [string, string][] = [
    [`clear${ESC}[2Jscreen`, 'clearscreen'],
    [`link${ESC}]8;;http://evil\u0007here`, 'linkhere'],
    ['bell\u0007', 'bell '],
    ['two\nrows', 'two rows'],
    ['c1\u009b2Jcsi', 'c1csi'],
    ['turned\u202earound', 'turned around'],
    ['日本語 is kept', '日本語 is kept'],
  ];

  it.each(NAMES)('%j is one printable line', (words, shown) => {
    expect(printable(words)).toBe(shown);
    expect(printableDeep({ detail: [words], count: 1 })).toEqual({ detail: [shown], count: 1 });
  });

  it('of several lines keep our lines and colours, and nothing else', () => {
    const green = `${ESC}[32mgood${ESC}[39m`;
    expect(printableLines(`${green}\n\tnext${ESC}[8mhidden`)).toBe(`${green}\n\tnexthidden`);
  });

  it('in JSON are escaped, and mean the same', () => {
    const value = { name: `a${ESC}[2J\u009bb\u202e` };
    const json = printableJson(JSON.stringify(value, null, 2));
    expect(json).toMatch(/^[\x20-\x7e\n]*$/);
    expect(JSON.parse(json)).toEqual(value);
  });

  it('cannot fake a row or a frame', () => {
    const screen = {
      columns: 80,
      paint: (_: unknown, text: string) => text,
      letters: (text: string) => text,
    };
    const rows = table(['POD', 'NAME'], [['pod1', `evil${ESC}[2J\npod2  fine`]], screen);
    expect(rows.split('\n')).toHaveLength(2);
    const framed = panel('Pod', [['Name', 'evil\n│ Cost: $0']], screen).split('\n');
    expect(framed).toHaveLength(3);
  });

  it('of double width leave the columns straight', () => {
    const screen = {
      columns: 80,
      paint: (_: unknown, text: string) => text,
      letters: (text: string) => text,
    };
    const lines = table(
      ['NAME', 'RATE'],
      [
        ['猫の写真', '$1'],
        ['👩‍👩‍👧 family', '$2'],
        ['plain', '$3'],
      ],
      screen,
    ).split('\n');
    expect(new Set(lines.map((line) => columnsOf(line.slice(0, line.search(/RATE|\$/))))).size).toBe(1);
    const frame = panel(
      'Pod',
      [
        ['Name', '猫の写真'],
        ['Image', 'plain'],
      ],
      screen,
    ).split('\n');
    expect(new Set(frame.map(columnsOf)).size).toBe(1);
  });

  it('are cut between letters, never within one', () => {
    expect(cutTo(5, '猫の写真')).toBe('猫の');
    expect(piecesOf(2, 'é👩‍👩‍👧a')).toEqual(['é', '👩‍👩‍👧', 'a']);
  });
});

describe('a pod with a name made to deceive', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await startWorld();
    await fetch(`${world.simulator.url}/pods`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-key', 'content-type': 'application/json', 'user-agent': 'test' },
      body: JSON.stringify({
        name: `x${ESC}[2J${ESC}[H\nfake1  other  RUNNING`,
        image: 'runpod/comfyui:latest',
        gpu: { id: 'NVIDIA A40', count: 1 },
      }),
    });
  });
  afterAll(() => world.end());

  it.each([['ls'], ['info'], ['stop'], ['history']])('%s prints it as words', async (...argv) => {
    for (const isTerminal of [true, false]) {
      const { stdout, stderr } = await inProcess(world, argv, isTerminal);
      expect(`${stdout}${stderr}`).not.toMatch(new RegExp(`${ESC}\\[(2J|H)`));
      expect(`${stdout}${stderr}`).not.toMatch(/^fake1/m);
    }
  });
});
