import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { pace } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { HAS_SCRIPT, onTerminal as openTerminal } from '../support/terminal.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const onTerminal = (...[argv, options]: [string[], Parameters<typeof openTerminal>[2]?]) =>
  openTerminal(world, argv, options);
const widest = (screen: string) =>
  Math.max(...screen.split(/[\r\n]/).map((line) => stripVTControlCharacters(line).length));

describe.runIf(HAS_SCRIPT)('on a real terminal', () => {
  it.each([80, 40])('at %i columns the live line is redrawn and never wraps', async (columns) => {
    world = await startWorld();
    const run = await onTerminal(['up', '--local-port', 'auto'], { columns }).ended;
    expect(run.code).toBe(0);
    expect(run.screen).toContain('\r\u001b[K');
    const live = run.screen.split('\r\u001b[K').filter((part) => part !== '' && !part.includes('\n'));
    expect(live.length).toBeGreaterThan(2);
    expect(widest(live.join('\r'))).toBeLessThan(columns);
    expect(run.screen).toMatch(/ComfyUI available at http:\/\/localhost:\d+/);
  });

  it('with CI set there is one line per change and no redrawing', async () => {
    world = await startWorld();
    const run = await onTerminal(['up', '--local-port', 'auto'], { env: { CI: 'true' } }).ended;
    expect(run.screen).not.toContain('\u001b[K');
  });

  it.each(sample(1, [40, 80]))(
    'at %i columns panels, tables and checks stay within the terminal',
    async (columns) => {
      world = await startWorld();
      await world.autopod([
        'up',
        '--local-port',
        'auto',
        '--volume-id',
        'abc123xyz',
        '--name',
        'a name of several words',
      ]);
      for (const argv of [
        ['info'],
        ['ls'],
        ['tunnel', 'list'],
        ['tunnel', '--status'],
        ['comfy', 'status'],
        ['gpus', 'A40'],
        ['volumes'],
        ['doctor'],
        ['config', 'show'],
        ['history'],
        ['help', 'states'],
        ['up', '--help'],
        ['--help'],
        ['help', 'money'],
        ['help', 'exit'],
        ['stop'],
        ['kill', '-y'],
      ]) {
        const { screen } = await onTerminal(argv, { columns }).ended;
        // What is there to be pasted stays one line; the terminal folds it.
        const folded = screen.replaceAll(/^(ssh -p| {2}\$) .*$/gm, '');
        expect(widest(folded), `${argv.join(' ')}\n${screen}`).toBeLessThanOrEqual(columns);
      }
    },
  );

  it('NO_COLOR takes the colours and leaves the frame', async () => {
    world = await startWorld();
    await world.autopod(['up', '--local-port', 'auto']);
    const [colored, plain] = await Promise.all(
      [{}, { NO_COLOR: '1' }].map((env) => onTerminal(['comfy', 'status'], { env }).ended),
    );
    expect(colored?.screen).toContain('\u001b[32mComfyUI: Ready');
    expect(plain?.screen).not.toContain('\u001b');
    expect(plain?.screen).toContain('┌─ ComfyUI Status');
  });

  it('in a locale without Unicode everything is ASCII', async () => {
    world = await startWorld();
    await world.autopod(['up', '--local-port', 'auto']);
    const run = await onTerminal(['comfy', 'status'], { env: { LANG: 'C', LC_ALL: 'C' } }).ended;
    expect(run.code).toBe(0);
    expect(stripVTControlCharacters(run.screen)).toContain('ComfyUI: Ready');
    expect(run.screen).toMatch(/^[\0-\x7f]*$/);
    const help = await onTerminal(['up', '--help'], { env: { LANG: 'C', LC_ALL: 'C' } }).ended;
    expect(help.screen).toMatch(/^[\0-\x7f]*$/);
  });

  it('Ctrl-C once: it says what is saved, ends 130, and the next up goes on with the same pod', async () => {
    world = await startWorld({ latencies: { imagePullMs: 3_000 * pace() } } as never);
    const up = onTerminal(['up', '--local-port', 'auto']);
    await expect.poll(up.screen, { timeout: 60_000 }).toMatch(/Created pod/);
    up.type('\u0003');
    const { code, screen } = await up.ended;
    expect(code).toBe(130);
    expect(screen).toMatch(/What\s+was\s+begun\s+is\s+saved[\s\S]*autopod\s+up/);
    expect((await world.autopod(['up', '--local-port', 'auto'])).code).toBe(0);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('kill asks, and on a no nothing is done', async () => {
    world = await startWorld();
    await world.autopod(['up', '--no-tunnel']);
    const kill = onTerminal(['kill']);
    await expect.poll(kill.screen, { timeout: 60_000 }).toMatch(/\[y\/N\]/);
    kill.type('n\r');
    expect(await kill.ended).toMatchObject({ code: 1, screen: expect.stringContaining('Nothing was done') });
    expect(await world.podIds()).toHaveLength(1);
  });

  it('--expose asks on a terminal, and on a no nothing is bought; with -y it does not ask', async () => {
    world = await startWorld();
    const up = onTerminal(['up', '--no-tunnel', '--expose', '8188']);
    await expect.poll(up.screen, { timeout: 60_000 }).toMatch(/Make that public\? \[y\/N\]/);
    up.type('n\r');
    const { code, screen } = await up.ended;
    expect([code, screen]).toEqual([1, expect.stringContaining('Nothing was done')]);
    expect(await world.podIds()).toEqual([]);
    const sure = await onTerminal(['up', '-y', '--no-tunnel', '--expose', '8188']).ended;
    expect(sure.code).toBe(0);
    expect(sure.screen).not.toContain('[y/N]');
    expect(await world.podIds()).toHaveLength(1);
  });

  it('Ctrl-C at a question ends 130 and says nothing of things begun', async () => {
    world = await startWorld();
    await world.autopod(['up', '--no-tunnel']);
    const kill = onTerminal(['kill']);
    await expect.poll(kill.screen, { timeout: 60_000 }).toMatch(/\[y\/N\]/);
    kill.type('\u0003');
    const { code, screen } = await kill.ended;
    expect([code, stripVTControlCharacters(screen)]).toEqual([
      130,
      expect.stringMatching(/autopod: Interrupted\.\r?\n$/),
    ]);
    expect(await world.podIds()).toHaveLength(1);
  });

  it('Ctrl-C in config init ends 130, and says that nothing was written', async () => {
    world = await startWorld();
    const before = readFileSync(join(world.home, 'config.json'), 'utf8');
    const init = onTerminal(['config', 'init']);
    await expect
      .poll(() => stripVTControlCharacters(init.screen()), { timeout: 60_000 })
      .toMatch(/Keep the current API key/);
    init.type('\u0003');
    const { code, screen } = await init.ended;
    expect([code, screen]).toEqual([130, expect.stringContaining('Nothing was written')]);
    expect(readFileSync(join(world.home, 'config.json'), 'utf8')).toBe(before);
  });

  it('config init verifies as it goes, shows what it writes, and writes it on a yes', async () => {
    world = await startWorld();
    const init = onTerminal(['config', 'init'], { env: { RUNPOD_API_KEY: '' } });
    await init.when(/RunPod API key/, 'wrong-key\r');
    await init.when(/RunPod refused the API key[\s\S]*RunPod API key/, 'sim-key\r');
    await init.when(/SSH key for the pods/, '\r');
    await init.when(/GPUs to rent/, '\r');
    await init.when(/Network volume/, '\r');
    await init.when(/Write this into/, 'y');
    const { code, screen } = await init.ended;
    expect(code).toBe(0);
    expect(screen).not.toContain('sim-key');
    const shown = await world.autopod(['config', 'show', '--json'], { RUNPOD_API_KEY: '' });
    expect(JSON.parse(shown.stdout)).toMatchObject({ apiKey: '…', gpuPreferences: ['RTX A40'] });
    expect(JSON.parse(shown.stdout), 'Enter takes no volume').not.toHaveProperty('volumeId');
  });

  it('config init keeps an ssh key from elsewhere on Enter, and takes no volume for one that is gone', async () => {
    world = await startWorld();
    const key = join(world.home, 'id_test');
    const settings = { ssh_key_path: key, default_volume_id: 'gone' };
    writeFileSync(join(world.home, 'config.json'), JSON.stringify({ providers: { runpod: settings } }), {
      mode: 0o600,
    });
    const init = onTerminal(['config', 'init']);
    await init.when(/Keep the current API key/, 'y');
    await init.when(/SSH key for the pods/, '\r');
    await init.when(/GPUs to rent/, ' \r');
    await init.when(/Network volume/, '\r');
    await init.when(/Write this into/, 'y');
    expect((await init.ended).code).toBe(0);
    const saved = JSON.parse(readFileSync(join(world.home, 'config.json'), 'utf8')).providers.runpod;
    expect(saved).toMatchObject({ ssh_key_path: key });
    expect(saved).not.toMatchObject({ default_volume_id: expect.stringMatching(/./) });
  });
});
