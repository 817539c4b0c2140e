import { cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../../src/store/lock.ts';
import { paced } from '../support/pace.ts';
import { procFile } from '../support/processes.ts';
import { statusAt } from '../support/status-at.ts';
import { until } from '../support/until.ts';
import { leftRunning, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let root: string;
const away = () => renameSync(join(world.home, 'mount'), join(world.home, 'away'));
const back = () => renameSync(join(world.home, 'away'), join(world.home, 'mount'));
const log = () => readFileSync(join(root, 'logs', 'autopod.log'), 'utf8');
const podState = async () => (await world.pods())[0]?.status;

// The home is below a folder that can be taken away, as a mount can.
beforeEach(async () => {
  world = await startWorld();
  root = join(world.home, 'mount', 'home');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  cpSync(join(world.home, 'config.json'), join(root, 'config.json'));
  world.env.AUTOPOD_HOME = root;
  world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ autoStopLookMs: 200, lookMs: 100 });
});
afterEach(() => world.end());

const up = async (...args: string[]) => {
  const run = await world.autopod(['up', '--local-port', 'auto', ...args]);
  expect(run.code, run.stderr).toBe(0);
  const [tunnel] = JSON.parse((await world.autopod(['tunnel', 'list', '--json'])).stdout).tunnels;
  return { port: tunnel.localPort as number, sshPid: tunnel.sshPid as number, keeper: world.keeperPids()[0] };
};

describe('a home that is away', () => {
  it('for some seconds ends neither keeper nor tunnel, and both are said in the log', async () => {
    const { port, keeper } = await up();
    away();
    expect(await statusAt(port), 'the tunnel carries on').toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(world.keeperPids()).toEqual([keeper]);
    expect(existsSync(root), 'nobody makes it again').toBe(false);
    back();
    await until('back', () => /the home is away[\s\S]*the home is back/.test(log()));
    expect(await statusAt(port)).toBe(200);
    expect(world.keeperPids()).toEqual([keeper]);
    expect((await world.autopod(['tunnel', 'list', '--json'])).stdout).toContain('healthy');
  });

  it('does not keep the keeper from stopping a pod, nor from noting so later', async () => {
    await up('--stop-after', paced(8));
    away();
    await until('stopped', async () => (await podState()) === 'EXITED');
    back();
    const plan = () => JSON.parse(readFileSync(join(root, 'pods.json'), 'utf8')).records;
    await until('noted', () =>
      Object.values(plan() as Record<string, { facts: { autoStop: unknown } }>).every(
        ({ facts }) => facts.autoStop === null,
      ),
    );
    expect((await world.autopod(['history'])).stdout).toContain('its time was up');
    await world.autopod(['tunnel', '--stop', '--all']);
    expect(await leftRunning(world)).toEqual([]);
  });

  it('for good ends the keeper, its guardian and every ssh', async () => {
    world.env.AUTOPOD_KEEPER_TIMINGS = JSON.stringify({ lookMs: 100, homeAwayMs: 1_000 });
    const { sshPid } = await up();
    away();
    expect(await leftRunning(world)).toEqual([]);
    expect(procFile(sshPid, 'cmdline')).toBe('');
    expect(existsSync(join(world.home, 'mount')), 'nobody makes it again').toBe(false);
  });

  it('and comes back as another one, with a keeper of its own, ends the first one', async () => {
    const other = join(world.home, 'other');
    mkdirSync(join(other, 'home', 'locks'), { recursive: true, mode: 0o700 });
    const lock = await tryLock(join(other, 'home', 'locks', 'keeper'));
    const { sshPid } = await up();
    away();
    renameSync(other, join(world.home, 'mount'));
    expect(await leftRunning(world)).toEqual([]);
    expect(procFile(sshPid, 'cmdline')).toBe('');
    expect(await lock?.isTaken()).toBe(false);
  });
});
