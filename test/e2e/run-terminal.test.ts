import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_SCRIPT, onTerminal } from '../support/terminal.ts';
import { EMPTY_IMAGE, sleeping, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const CTRL_C = '\u0003';

describe.runIf(HAS_SCRIPT)('run on a terminal', () => {
  let world: TestWorld;
  let folder = '';
  beforeAll(async () => {
    world = await startWorld({ comfyui: { jobMs: 0 } });
    folder = mkdtempSync(join(tmpdir(), 'ap-run-'));
    const up = await world.autopod(['up', '--local-port', 'auto', '--name', 'art']);
    expect(up.code, up.stderr).toBe(0);
  });
  afterAll(async () => {
    await world.end();
    rmSync(folder, { recursive: true, force: true });
  });
  const out = () => ['--out', join(folder, 'out')];
  const jobs = async () =>
    JSON.parse((await world.autopod(['jobs', '--all', '--json'])).stdout).jobs as {
      jobId: string;
      state: string;
    }[];

  it('shows the node by its title, its steps and the time left', async () => {
    const path = workflowFile(folder, 'sleep.json', sleeping(4, 40));
    const { screen } = await onTerminal(world, ['run', path, ...out()]).ended;
    expect(stripVTControlCharacters(screen)).toMatch(/Running: “Sleep”, step \d+ of 40, \d+s left/);
  });

  it('Ctrl-C asks, and c cancels the job', async () => {
    const path = workflowFile(folder, 'long.json', sleeping(90, 100));
    const terminal = onTerminal(world, ['run', path, ...out()]);
    await terminal.when(/step \d/, CTRL_C);
    await terminal.when(/Go on without this command, or cancel/, 'c\r');
    const { code, screen } = await terminal.ended;
    expect(code).toBe(130);
    expect(stripVTControlCharacters(screen)).toContain('Cancelled 1 job');
    expect((await jobs()).at(-1)?.state).toBe('cancelled');
  });

  it('a second Ctrl-C goes on without the command, and how to cancel is on the screen', async () => {
    const path = workflowFile(folder, 'long.json', sleeping(90, 100));
    const terminal = onTerminal(world, ['run', path, ...out()]);
    await terminal.when(/step \d/, CTRL_C);
    await terminal.when(/Go on without this command, or cancel/, CTRL_C);
    const { code, screen } = await terminal.ended;
    expect(code).toBe(130);
    const job = (await jobs()).at(-1);
    expect(job?.state).toBe('running');
    expect(stripVTControlCharacters(screen).replaceAll(/\s+/g, ' ')).toContain(
      `autopod jobs cancel ${job?.jobId}`,
    );
    expect((await world.autopod(['jobs', 'cancel', job?.jobId ?? ''])).code).toBe(0);
  });

  it('shows a picture where the terminal can', async () => {
    const path = workflowFile(folder, 'a.json', EMPTY_IMAGE);
    const kitty = await onTerminal(world, ['run', path, ...out()], { env: { KITTY_WINDOW_ID: '1' } }).ended;
    expect(kitty.screen).toContain('\u001b_Ga=T,f=100');
    const plain = await onTerminal(world, ['run', path, '--no-preview', ...out()], {
      env: { KITTY_WINDOW_ID: '1' },
    }).ended;
    expect(plain.screen).not.toContain('\u001b_G');
  });

  it('ending a pod that is named is asked about first; no is the default, and nothing is kept', async () => {
    const before = (await jobs()).length;
    const path = workflowFile(folder, 'a.json', EMPTY_IMAGE);
    const terminal = onTerminal(world, ['run', path, 'art', '--then', 'kill', ...out()]);
    const [id] = await world.podIds();
    await terminal.when(new RegExp(`End pod ${id} for good\\?`), '\r');
    expect((await terminal.ended).code).toBe(1);
    expect(await jobs()).toHaveLength(before);
    expect(await world.podIds()).toHaveLength(1);
  });
});
