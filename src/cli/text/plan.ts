import { usualLocalPort } from '../../services/usual-local-port.ts';
import type { AutoStop } from '../../store/plans.ts';
import { printable } from '../output/printable.ts';
import { planCell } from './planned-stop.ts';

/** What `--dry-run` says of what a command would do. */
export const planText = {
  goOn: (name: string) =>
    `Would continue launch ${printable(name)}: look for its pod, and create one if there is none.`,
  start: (podId: string, name: string) =>
    `Would start pod ${podId} (${printable(name)}), which is stopped, and wait for ComfyUI.`,
  use: (podId: string, name: string, status: string, rate: string) =>
    `Would use pod ${podId} (${printable(name)}), which is ${status} and costs ${rate}, and wait for ComfyUI.`,
  tunnel: (port: number | 'auto') =>
    `The tunnel would be at ${port === 'auto' ? `the next free port from ${usualLocalPort()}` : `localhost:${port}`}.`,
  noTunnel: () => 'No tunnel would be kept.',
  stop: (plan: AutoStop) => `The pod would be ${plan.isForGood ? 'ended' : 'stopped'} ${planCell(plan)}.`,
};
