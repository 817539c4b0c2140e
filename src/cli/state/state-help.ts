import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pageFolder } from '../../inspector/page-folder.ts';

interface States {
  states: { id: string; description: string }[];
}

/** What the states of pods, tunnels and jobs mean, in the machines' own words as the build wrote them for the inspector. */
export function stateHelp(): string {
  const charts: Record<string, States> = JSON.parse(readFileSync(join(pageFolder(), 'charts.json'), 'utf8'));
  const statesOf = (machine: string) =>
    Object.entries(charts).flatMap(([id, { states }]) =>
      id.startsWith(`${machine}@`) ? linesOf(states) : [],
    );
  const pod = ['A pod is in one of these states:', '', ...statesOf('pod')];
  const tunnel = ['', 'And a tunnel in one of these:', '', ...statesOf('tunnel')];
  const job = ['', 'And a job, which "autopod run" makes, in one of these:', '', ...statesOf('job')];
  return [...pod, ...tunnel, ...job].join('\n');
}

function linesOf(states: States['states']): string[] {
  const width = Math.max(...states.map(({ id }) => id.length));
  return states.map(({ id, description }) => `  ${id.padEnd(width)}  ${description}`);
}
