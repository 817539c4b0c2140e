import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/cli/context.ts';
import { FLEET_VERBS, THROUGH_FLEET } from '../../src/cli/fleet/in-force.ts';
import { refusalOf } from '../../src/cli/fleet/not-carried-out.ts';
import { Output } from '../../src/cli/output/output.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { run } from '../../src/cli/run.ts';
import { keepFleetLogin } from '../../src/store/fleet-login.ts';

const POD_LIKE =
  '--gpu --gpu-count --min-cuda --disk-size --datacenter --template --cloud-type --volume-id --no-volume --volume-mount';
const WAITING = '--timeout --no-tunnel --local-port';
const SIZE = '--min --max --idle --patience';

/** What a fleet carries out of each command's options; every other one has to be refused with a reason. */
const CARRIED_OUT: Record<string, string> = {
  up: `${POD_LIKE} ${WAITING} --name --expose --expose-all --yes --stop-after --idle-stop --then --json-stream --new`,
  connect: `${POD_LIKE} ${WAITING} --name --expose --expose-all --yes --stop-after --idle-stop --then --json-stream`,
  start: `${WAITING} --no-wait`,
  restart: WAITING,
  extend: '--timeout',
  stop: '--timeout --yes',
  kill: '--timeout --yes',
  ls: '--timeout --all',
  info: '--timeout',
  history: '--tail',
  run: '--set --seed --input --show --dry-run --out --name --previews --no-preview --count --sweep --rows --on-error --max-cost --pool --priority --yes --timeout --json-stream --detach',
  jobs: '--all',
  'jobs show': '',
  'jobs wait': '--timeout --no-preview --json-stream',
  'jobs cancel': '--timeout',
  'jobs fetch': '--timeout --out',
  'jobs retry': '--timeout --out --pool --detach --no-preview --json-stream',
  pool: '--timeout',
  'pool create': `--timeout ${SIZE} ${POD_LIKE}`,
  'pool change': `--timeout ${SIZE} ${POD_LIKE}`,
  'pool show': '--timeout',
  'pool remove': '--timeout --yes',
  costs: '--timeout --last --since --by --csv',
  logs: '--follow --system --container --since --tail --timeout',
  inspect: '--no-open --port',
  page: '--timeout --no-open',
  tunnel: '--timeout --status --stop --all --local-port',
  ssh: '--timeout --command',
  'comfy status': '--timeout --local-port --no-wait',
  'comfy info': '--timeout --local-port',
  'comfy open': '--timeout --local-port --no-browser',
  gpus: '--timeout --volume-id --datacenter --cloud-type --gpu-count --min-cuda --min-memory --max-price --all',
  volumes: '--timeout',
};

let home: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'ap-options-'));
  env = { ...process.env, HOME: home, AUTOPOD_HOME: home, RUNPOD_API_KEY: '' };
  // Nobody answers there, and nobody is to be asked.
  await keepFleetLogin(home, { url: 'http://127.0.0.1:9', token: `apt_${'x'.repeat(43)}`, name: 'ann' });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function written() {
  let text = '';
  const write = (words: string) => {
    text += words;
  };
  const stream = { write, isTTY: false } as never;
  return { stream, text: () => text };
}

function commandsOf(): [string, Command][] {
  const { stream } = written();
  const out = new Output({ stdout: stream, stderr: stream }, env, false);
  const program = buildProgram(new Context(env, out, new AbortController().signal), out, () => undefined);
  const all = program.commands.flatMap((one): [string, Command][] => [
    [one.name(), one],
    ...one.commands.map((inner): [string, Command] => [`${one.name()} ${inner.name()}`, inner]),
  ]);
  return all.filter(([name]) => name in FLEET_VERBS || THROUGH_FLEET.includes(name));
}

/** A value that each option takes which is refused in a fleet. */
const VALUES: Record<string, string[]> = {
  '--max-pods': ['1'],
  '--max-per-hour': ['1'],
  '--max-per-day': ['1'],
  '--max-per-launch': ['1'],
  '--if-alone': ['1h'],
  '--stop-after': ['1h'],
  '--idle-stop': ['1h'],
  '--then': ['kill'],
  '--pods': ['2'],
  '--pod-name': ['art'],
  '--gpu': ['A40'],
  '--gpu-count': ['1'],
  '--min-cuda': ['12.4'],
  '--disk-size': ['40'],
  '--datacenter': ['EU-RO-1'],
  '--template': ['image'],
  '--cloud-type': ['SECURE'],
  '--volume-id': ['abc'],
  '--volume-mount': ['/x'],
  '--expose': ['8080'],
  '--local-port': ['8190'],
};

describe('with a fleet in force', () => {
  it('every command that is about it is known here', () => {
    expect(
      commandsOf()
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(Object.keys(CARRIED_OUT).toSorted());
  });

  it('every option is carried out, or refused with why, what else there is, and exit code 2', async () => {
    const unaccounted: string[] = [];
    for (const [name, command] of commandsOf()) {
      const carried = ['--json', ...(CARRIED_OUT[name] ?? '').split(' ')];
      for (const option of command.options) {
        const flag = option.long ?? '';
        const refused = refusalOf(name, option);
        if (Boolean(refused) === (carried.includes(flag) && refused?.value === undefined))
          unaccounted.push(`${name} ${flag}`);
        if (!refused) continue;
        const words = /^(run|jobs fetch|tunnel)$/.test(name) ? ['x'] : [];
        const { stream, text } = written();
        const argv = [...name.split(' '), ...words, flag, ...(VALUES[flag] ?? [])];
        const code = await run(argv, { stdout: stream, stderr: stream }, env, new AbortController().signal);
        expect([code, text()], argv.join(' ')).toEqual([
          2,
          expect.stringMatching(new RegExp(`${flag}.* does nothing in a fleet\\. [^→]+→ `)),
        ]);
      }
    }
    expect(unaccounted).toEqual([]);
  });

  it('an option that is carried out for other values is refused for the one that is not', async () => {
    const { stream, text } = written();
    const code = await run(
      ['up', '--stop-after', '1h', '--then', 'stop', '--no-tunnel', '--timeout', '1s'],
      { stdout: stream, stderr: stream },
      env,
      new AbortController().signal,
    );
    expect([code, text()]).toEqual([1, expect.not.stringContaining('does nothing')]);
  });
});
