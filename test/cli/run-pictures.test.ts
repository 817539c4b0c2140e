import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { encode } from 'fast-png';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Context } from '../../src/cli/context.ts';
import { Output } from '../../src/cli/output/output.ts';
import { Pictures } from '../../src/cli/running/pictures.ts';

const WIDTH = 700;
const HEIGHT = 20;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ap-pictures-'));
  const data = new Uint8Array(WIDTH * HEIGHT * 3).map((_, at) => at % 251);
  writeFileSync(join(folder, 'fox.png'), encode({ width: WIDTH, height: HEIGHT, data, channels: 3 }));
  writeFileSync(join(folder, 'broken.png'), '\x89PNG and no more');
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** What a terminal with this environment is sent for a file. */
async function shownOn(env: Record<string, string>, file: string, isWanted = true): Promise<string> {
  for (const name of [
    'TERM_PROGRAM',
    'KITTY_WINDOW_ID',
    'KONSOLE_VERSION',
    'WEZTERM_PANE',
    'LC_TERMINAL',
    'WT_SESSION',
  ]) {
    vi.stubEnv(name, undefined);
  }
  for (const [name, value] of Object.entries({ TERM: 'xterm', ...env })) vi.stubEnv(name, value);
  let shown = '';
  const stderr = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        shown += chunk;
        done();
      },
    }),
    { isTTY: true },
  );
  const out = new Output({ stdout: stderr, stderr }, {}, false);
  const context = new Context({}, out, new AbortController().signal);
  await new Pictures(context, isWanted).show(join(folder, file));
  return shown;
}

describe('a picture that was made', () => {
  it('goes to kitty in its own protocol, in messages of 4,096 letters of which only the last says that it is', async () => {
    const shown = await shownOn({ KITTY_WINDOW_ID: '1' }, 'fox.png');
    const messages = shown.trim().split('\u001b\\').filter(Boolean);
    expect(messages[0]).toMatch(/^._Ga=T,f=100,q=2,c=\d+,m=/);
    expect(messages.map((message) => /m=(\d)/.exec(message)?.[1]).join('')).toMatch(/^1*0$/);
    const sent = messages.map((message) => message.slice(message.indexOf(';') + 1)).join('');
    expect(Buffer.from(sent, 'base64').subarray(1, 4).toString()).toBe('PNG');
  });

  it("goes to iTerm2 and VS Code in iTerm2's protocol", async () => {
    const shown = await shownOn({ TERM_PROGRAM: 'vscode', TERM_PROGRAM_VERSION: '1.90.0' }, 'fox.png');
    expect(shown).toMatch(/^.\]1337;File=/);
  });

  it('goes to a terminal with sixel no wider than 480 pixels', async () => {
    const shown = await shownOn({ TERM: 'mlterm' }, 'fox.png');
    expect(shown).toMatch(/^.P[\d;]*q"1;1;480;13/);
  });

  it.each([
    ['a terminal that shows no pictures', {}, 'fox.png', true],
    ['--no-preview', { KITTY_WINDOW_ID: '1' }, 'fox.png', false],
    ['a file that is not there', { KITTY_WINDOW_ID: '1' }, 'none.png', true],
    ['a picture that is broken, on a terminal with sixel', { TERM: 'mlterm' }, 'broken.png', true],
    ['something else than a picture', { KITTY_WINDOW_ID: '1' }, 'fox.mp4', true],
  ])('is not shown: %s', async (_, env, file, isWanted) => {
    expect(await shownOn(env, file, isWanted)).toBe('');
  });
});
