import type { ReplacedPod } from '../../machines/pod-types.ts';

type Held = 'runs' | 'ownDisk' | 'unknownMount' | 'notOurs';

const HELD: Record<Held, string> = {
  runs: 'it runs with its GPU again, so somebody may use it',
  ownDisk: 'it has a disk of its own, which would be lost with it',
  unknownMount: 'it has a mount that autopod does not know and that might be lost with it',
  notOurs: 'autopod did not make it and does not know all that is in it',
};

/** Words about a pod that takes the place of another. */
export const replacementText = {
  question: (podId: string, reason: ReplacedPod['reason'], candidate: string) =>
    reason === 'broken'
      ? `End pod ${podId}, with all outside its network volume, and make another one in its place: ${candidate}? [y/N] `
      : `Make another pod in its place, with the same volume and local port: ${candidate}? Pod ${podId} is ended when that is ready. [y/N] `,
  taken: (podId: string, reason: ReplacedPod['reason'], candidate: string) =>
    reason === 'broken'
      ? `Another pod takes the place of ${podId}, which is ended: ${candidate}`
      : `Another pod takes the place of ${podId}, which is ended when that is ready: ${candidate}`,
  underWay: (podId: string) =>
    `Another pod is taking the place of ${podId}; going on with that. autopod kill ${podId} ends ${podId}.`,
  brokenEnded: (podId: string) => `Ended pod ${podId}, which could never work.`,
  ended: (podId: string, spent: number | undefined) =>
    `Ended pod ${podId}, whose place is taken.${spent === undefined ? '' : ` It cost $${spent.toFixed(2)} in all.`}`,
  kept: (podId: string, held: Held, rate: string) =>
    `Pod ${podId}, whose place is taken, is not ended: ${HELD[held]}. It costs ${rate}; end it with: autopod kill ${podId}`,
  notReplaced: (podId: string, held: Held) => `No pod is put in the place of ${podId}: ${HELD[held]}.`,
  noneToBeHad: (why: string) => `No other pod can be had in its place now. ${why}`,
};
