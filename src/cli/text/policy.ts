import type { Allowance, Policy } from '../../fleet/policy/policy.ts';
import { uptimeWords } from './uptime.ts';

const usd = (amount: number | undefined) => (amount === undefined ? 'any' : `$${amount.toFixed(2)}`);

/** Who may have how much, a row each. */
export function limitCells({ everybody, people, teams }: Policy): string[][] {
  return [
    row('each person', everybody),
    ...Object.entries(people).map(([name, own]) => row(name, { ...everybody, ...own })),
    ...Object.entries(teams).map(([name, { members, ...own }]) =>
      row(`team ${name} (${members.join(', ')})`, own),
    ),
  ];
}

/** When pods are stopped by themselves. */
export function policyLines({ idleMs, quiet }: Policy): string[] {
  return [
    idleMs === null
      ? 'Pods without use run on, unless their owner has said otherwise.'
      : `Pods are stopped after ${uptimeWords(idleMs / 1000)} without use.`,
    quiet === null
      ? 'There are no quiet hours.'
      : `Quiet hours are ${quiet.from}–${quiet.until} (${quiet.zone}): no pod is started then, and those that run are stopped once they have no job.`,
  ];
}

function row(name: string, { maxPods, maxPerHour, maxPerDay }: Allowance): string[] {
  return [name, maxPods === undefined ? 'any' : String(maxPods), usd(maxPerHour), usd(maxPerDay)];
}
