import { type Failure, type FailureCode, toFailure } from '../errors.ts';
import type { Placed, PodContext, PodFacts, PodWish, Refusal, Sighting } from './pod-types.ts';

// How the pod machine reads its events and its context.

/** RunPod said no to this candidate; another may do. */
const NEXT_CANDIDATE: readonly FailureCode[] = ['gpuOutOfStock', 'placementRefused', 'apiForbidden'];

/** RunPod said no to any candidate, or was never reached: nothing was created. */
const NOTHING_CREATED: readonly FailureCode[] = [
  'apiKeyRefused',
  'apiRateLimited',
  'apiRequestInvalid',
  'apiRequestRefused',
  'apiUnreachable',
  'balanceEmpty',
  'limitReached',
  'timedOut',
];

/** The durable part of the context. */
export function factsOf(context: PodContext): PodFacts {
  const { plan: _plan, candidate: _candidate, refusals: _refusals, readyBy: _readyBy, ...facts } = context;
  return facts;
}

function sightingOf(event: unknown): Sighting | undefined {
  return (event as { output?: Sighting }).output;
}

export function isNothing(event: unknown): boolean {
  return sightingOf(event)?.found === 'nothing';
}

export function is(event: unknown, condition: string): boolean {
  const sighting = sightingOf(event);
  return sighting?.found === 'pod' && sighting.condition === condition;
}

export function isBootToReplace(context: PodContext, event: unknown): boolean {
  const sighting = sightingOf(event);
  return (
    sighting?.found === 'pod' && sighting.condition === 'running' && sighting.bootId === context.bootToReplace
  );
}

export function podIdOf(event: unknown): string | null {
  return (event as { output?: { podId?: string } }).output?.podId ?? null;
}

export function isFoundPod(event: unknown): boolean {
  return (event as { output?: Placed }).output?.isFound === true;
}

export function failureOf(event: unknown): Failure {
  return toFailure((event as { error?: unknown }).error);
}

function hasCode(event: unknown, codes: readonly FailureCode[]): boolean {
  return codes.includes(failureOf(event).code);
}

export function isUnanswered(event: unknown): boolean {
  return hasCode(event, ['createUnanswered']);
}

export function isCandidateRefused(event: unknown): boolean {
  return hasCode(event, NEXT_CANDIDATE);
}

export function isNothingCreated(event: unknown): boolean {
  return hasCode(event, NOTHING_CREATED);
}

export function placedAt(wish: PodWish, dataCenterId: string | null): PodWish {
  return dataCenterId === null ? wish : { ...wish, dataCenterId };
}

export function gone(context: PodContext): Failure {
  return { code: 'podGone', detail: { podId: context.podId ?? '' } };
}

export function broken(event: unknown): Failure {
  return { code: 'podBroken', detail: { podId: podIdOf(event) ?? '' } };
}

export function withRefusal(context: PodContext, failure: Failure): Refusal[] {
  const candidate = context.plan[context.candidate];
  return candidate ? [...context.refusals, { candidate, failure }] : context.refusals;
}

// A broken rule fails the same way everywhere, so when no refusal was about stock the last one is the reason.
export function summary({ refusals }: PodContext): Failure {
  const last = refusals.at(-1);
  const tried = refusals.map(
    ({ candidate }) => `${candidate.gpuName} in ${candidate.dataCenterId ?? 'any data center'}`,
  );
  const code = refusals.some(({ failure }) => failure.code === 'gpuOutOfStock')
    ? 'gpuOutOfStock'
    : last?.failure.code;
  return { code: code ?? 'placementRefused', detail: { ...last?.failure.detail, tried } };
}
