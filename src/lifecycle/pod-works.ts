import type { Working, Works } from '../host/local.ts';
import type { Candidate, PodFacts, PodWish } from '../machines/pod-types.ts';
import { awaitBoot } from './boot.ts';
import { awaitComfyUI } from './comfy.ts';
import { endBroken } from './end-replaced.ts';
import type { Environment } from './environment.ts';
import { lookForPod } from './look.ts';
import { findDataCenter, placePod, planCandidates } from './place.ts';
import type { Witness } from './pod-log.ts';
import { startPod, stopPod, terminatePod } from './power.ts';

type OfFacts = Working<PodFacts>;
type OfWish = Working<{ wish: PodWish }>;

/** The pod machine joined to real services, for one run of it. */
export function podWorks(env: Environment): Works {
  const witness: Witness = { isPlaced: false, startedAt: undefined, runsSince: undefined };
  const works = {
    lookForPod: ({ input, signal }: OfFacts) => lookForPod(env, input, signal),
    validateVolume: ({ input, signal }: OfWish) => findDataCenter(env, input.wish, signal),
    planPlacement: ({ input, signal }: OfWish) => planCandidates(env, input.wish, signal),
    placePod: async ({ input, signal }: Working<{ facts: PodFacts; candidate: Candidate | undefined }>) => {
      const placed = await placePod(env, input.facts, input.candidate, signal);
      witness.isPlaced = true;
      return placed;
    },
    awaitBoot: async ({ input, signal }: OfFacts) => {
      await endBroken(env, input, signal);
      // What it costs may be told only once it runs.
      await env.limitLaunch(input.podId ?? '', signal);
      const booted = await awaitBoot(env, input, witness, signal);
      await env.limitLaunch(booted.podId, signal);
      return booted;
    },
    awaitComfyUI: ({ input, signal }: OfFacts) => awaitComfyUI(env, input, witness, signal),
    startPod: async ({ input, signal }: OfFacts) => {
      witness.isPlaced = false;
      await startPod(env, input, signal);
    },
    stopPod: ({ input, signal }: OfFacts) => stopPod(env, input, signal),
    terminatePod: ({ input, signal }: OfFacts) => terminatePod(env, input, signal),
  };
  return works as Works;
}
