import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../support/processes.ts';
import { CAN_DROP_FLOWS } from './pod-host.ts';
import type { TunnelWorld } from './tunnel-world.ts';

/** A fault of the way to the pod, and within what it is noticed and healed. */
export interface Fault {
  title: string;
  breakIt: () => unknown;
  mend: () => unknown;
  goneMs: number;
  /** Generous: this machine is noisy, the targets are measured in bench/. */
  noticedWithinMs: number;
  healedWithinMs: number;
  isPossible?: boolean;
}

const nothing = () => undefined;

/** What can happen between here and a pod; the world is made after the rows are. */
export function faultsOf(net: () => TunnelWorld): Fault[] {
  return [
    {
      title: 'ssh killed',
      breakIt: () => net().signalSsh('SIGKILL'),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 3_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'every ssh killed, the one that stands by, too',
      breakIt: () => signal(net().connections(), 'SIGKILL'),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 3_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'ssh ended by SIGTERM',
      breakIt: () => net().signalSsh('SIGTERM'),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 3_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'ssh stopped (SIGSTOP)',
      breakIt: () => net().signalSsh('SIGSTOP'),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 6_000,
      healedWithinMs: 6_000,
    },
    {
      title: 'network swallows packets for 8 s',
      breakIt: () => net().pod.cable('swallowing'),
      mend: () => net().pod.cable('up'),
      goneMs: 8_000,
      noticedWithinMs: 6_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'network swallows packets for 20 s',
      breakIt: () => net().pod.cable('swallowing'),
      mend: () => net().pod.cable('up'),
      goneMs: 20_000,
      noticedWithinMs: 6_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'link down for 6 s',
      breakIt: () => net().pod.cable('down'),
      mend: () => net().pod.cable('up'),
      goneMs: 6_000,
      noticedWithinMs: 6_000,
      healedWithinMs: 4_000,
    },
    ...[6_000, 9_300, 14_700].map((goneMs) => ({
      title: `a captive portal for ${goneMs} ms accepts everything and says nothing`,
      breakIt: () => net().pod.portal(true),
      mend: () => net().pod.portal(false),
      goneMs,
      noticedWithinMs: 6_000,
      healedWithinMs: 3_000,
      isPossible: CAN_DROP_FLOWS,
    })),
    {
      title: 'sshd and its sessions killed, back after 2 s',
      breakIt: () => net().pod.sshd('killed'),
      mend: () => net().pod.sshd('up'),
      goneMs: 2_000,
      noticedWithinMs: 3_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'sshd frozen for 6 s',
      breakIt: () => net().pod.sshd('frozen'),
      mend: () => net().pod.sshd('thawed'),
      goneMs: 6_000,
      noticedWithinMs: 6_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'a middlebox drops the flow',
      breakIt: () => net().pod.dropFlows(),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 6_000,
      healedWithinMs: 6_000,
      isPossible: CAN_DROP_FLOWS,
    },
    {
      title: 'a middlebox resets the flow',
      breakIt: () => net().pod.resetFlows(),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 6_000,
      healedWithinMs: 6_000,
      isPossible: CAN_DROP_FLOWS,
    },
    {
      title: 'ssh killed, and the network gone for 5 s while the next one shakes hands',
      breakIt: async () => {
        signal(net().connections(), 'SIGKILL');
        await sleep(60);
        net().pod.cable('swallowing');
      },
      mend: () => net().pod.cable('up'),
      goneMs: 5_000,
      noticedWithinMs: 3_000,
      healedWithinMs: 4_000,
    },
    {
      title: 'moved to another port with another host key',
      breakIt: () => net().movePod(),
      mend: nothing,
      goneMs: 0,
      noticedWithinMs: 6_000,
      healedWithinMs: 10_000,
    },
  ];
}
