import { inNoFleet } from './log-in.ts';

const money = (usd: number) => `$${usd.toFixed(2)}`;

interface Totals {
  usd: number;
  unbookedUsd: number;
  podsUsd: number;
  volumesUsd: number;
}

/** Words of `autopod costs`, and of what costs although nothing runs. */
export const costsText = {
  title: ({ since, by }: { since: string; by: string }) =>
    `Costs of the account since ${since.slice(0, 16).replace('T', ' ')} UTC, by ${by}. RunPod books by hours and days of UTC.`,
  noPersons: () => inNoFleet('Costs by person are a fleet’s'),
  totals: ({ usd, unbookedUsd, podsUsd, volumesUsd }: Totals) =>
    `${money(usd)} in all: pods ${money(podsUsd)}, network volumes ${money(volumesUsd)}.${
      unbookedUsd >= 0.005
        ? ` RunPod has not booked ${money(unbookedUsd)} of it yet; that is reckoned here from how long the pods ran.`
        : ''
    }`,
  running: ({
    running,
    ratePerHour,
  }: {
    running: { podId: string; name: string; costPerHour: number }[];
    ratePerHour: number;
  }) =>
    running.length === 0
      ? 'Nothing runs now.'
      : `Runs now: ${running.map(({ podId, name, costPerHour }) => `${podId} (${name}) at ${money(costPerHour)}/h`).join(', ')}; ${money(ratePerHour)}/h in all.`,
  silent: (disks: number, volumes: number) => {
    const parts = [
      ...(disks > 0 ? [`disks of stopped pods about ${money(disks)}`] : []),
      ...(volumes > 0 ? [`network volumes about ${money(volumes)}`] : []),
    ];
    return parts.length > 0 ? `Whether anything runs or not: ${parts.join(', ')} a month.` : undefined;
  },
  goesOn: (disk: number, volume: number) => {
    const parts = [
      ...(disk > 0 ? [`about ${money(disk)} a month for its disk`] : []),
      ...(volume > 0 ? [`about ${money(volume)} a month for its network volume`] : []),
    ];
    return parts.length > 0 ? ` Storage still costs ${parts.join(' and ')}.` : '';
  },
  perMonth: (usd: number) => `about ${money(usd)}/month`,
};
