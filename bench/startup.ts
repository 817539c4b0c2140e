import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdown, median, say } from './report.ts';

/**
 * `npm run bench:startup [-- --runs 41]`: light commands against node running an empty module, turn and turn about.
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '41' } } });
const RUNS = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'ap-startup-'));
const empty = join(folder, 'empty.mjs');
const cli = join(import.meta.dirname, '..', 'dist', 'cli.js');
const env = { PATH: process.env.PATH, HOME: folder, AUTOPOD_HOME: join(folder, 'home') };
const COMMANDS: { name: string; argv: string[]; target?: number }[] = [
  { name: 'empty module', argv: [empty] },
  { name: 'autopod --version', argv: [cli, '--version'], target: 1.2 },
  { name: 'autopod tunnel --status', argv: [cli, 'tunnel', '--status'], target: 1.4 },
  { name: 'autopod --help', argv: [cli, '--help'] },
  { name: 'autopod history', argv: [cli, 'history'], target: 1.4 },
  { name: 'autopod config path', argv: [cli, 'config', 'path'], target: 1.4 },
  { name: 'autopod ssh-config', argv: [cli, 'ssh-config'], target: 1.4 },
  { name: 'autopod help money', argv: [cli, 'help', 'money'], target: 1.4 },
  { name: 'autopod help states', argv: [cli, 'help', 'states'], target: 1.4 },
];

writeFileSync(empty, '');
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const times = COMMANDS.map(() => [] as number[]);
for (let run = 0; run < RUNS; run++) {
  for (const [index, { argv }] of COMMANDS.entries()) {
    const begun = performance.now();
    spawnSync(process.execPath, argv, { env, stdio: 'ignore' });
    times[index]?.push(performance.now() - begun);
  }
}
rmSync(folder, { recursive: true });
const base = median(times[0] ?? []);
const rows = COMMANDS.map(({ name, target }, index) => {
  const ms = median(times[index] ?? []);
  return [name, `${ms.toFixed(0)} ms`, `${(ms / base).toFixed(2)} ×`, target ? `≤ ${target} ×` : ''];
});
say(markdown(['command', 'median', 'ratio', 'target'], rows));
