import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { chartOf } from '../src/inspector/chart.ts';
import { layOut } from '../src/inspector/layout.ts';
import { mermaidOf } from '../src/inspector/mermaid.ts';
import { svgOf } from '../src/inspector/svg.ts';
import { guardMachine } from '../src/machines/guard.ts';
import { jobMachine } from '../src/machines/job.ts';
import { podMachine } from '../src/machines/pod.ts';
import { tunnelMachine } from '../src/machines/tunnel.ts';

/** Draws the machines into diagrams/; with --check only tells whether the pictures are current. */
const isCheck = process.argv.includes('--check');
const stale: string[] = [];
await mkdir('diagrams', { recursive: true });

for (const [name, machine] of Object.entries({
  pod: podMachine,
  tunnel: tunnelMachine,
  guard: guardMachine,
  job: jobMachine,
})) {
  const chart = chartOf(machine);
  await settle(`diagrams/${name}.mmd`, mermaidOf(chart));
  await settle(`diagrams/${name}.svg`, svgOf(chart, await layOut(chart)));
}

if (stale.length > 0) {
  process.stderr.write(`stale: ${stale.join(', ')}. Run npm run diagrams\n`);
  process.exitCode = 1;
}

async function settle(path: string, text: string): Promise<void> {
  if (!isCheck) return writeFile(path, text);
  if ((await readFile(path, 'utf8').catch(() => '')) !== text) stale.push(path);
}
