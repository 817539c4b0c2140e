import { type AnyActorRef, fromPromise, type PromiseActorLogic } from 'xstate';
import { podMachine } from '../machines/pod.ts';
import { awaitBoot } from './boot.ts';
import { awaitComfyUI } from './comfy.ts';
import { endBroken } from './end-replaced.ts';
import type { Environment } from './environment.ts';
import { lookForPod } from './look.ts';
import { findDataCenter, placePod, planCandidates } from './place.ts';
import type { Witness } from './pod-log.ts';
import { startPod, stopPod, terminatePod } from './power.ts';

type Work<Output, Input> = (args: { input: Input; signal: AbortSignal }) => Promise<Output>;

/** The pod machine joined to real services. `save` resolves once the machine's present state is on disk. */
export function providedPodMachine(env: Environment, save: (root: AnyActorRef) => Promise<void>) {
  // XState tells its observers of a state only after that state's work has begun; so the work itself saves first.
  const durable = <Output, Input>(work: Work<Output, Input>): PromiseActorLogic<Output, Input> =>
    fromPromise(async ({ input, signal, system }) => {
      await save(system.get('root'));
      signal.throwIfAborted();
      return work({ input, signal });
    });

  const witness: Witness = { isPlaced: false, startedAt: undefined, runsSince: undefined };

  return podMachine.provide({
    actors: {
      lookForPod: durable(({ input, signal }) => lookForPod(env, input, signal)),
      validateVolume: durable(({ input, signal }) => findDataCenter(env, input.wish, signal)),
      planPlacement: durable(({ input, signal }) => planCandidates(env, input.wish, signal)),
      placePod: durable(async ({ input, signal }) => {
        const placed = await placePod(env, input.facts, input.candidate, signal);
        witness.isPlaced = true;
        return placed;
      }),
      awaitBoot: durable(async ({ input, signal }) => {
        await endBroken(env, input, signal);
        // What it costs may be told only once it runs.
        await env.limitLaunch(input.podId ?? '', signal);
        const booted = await awaitBoot(env, input, witness, signal);
        await env.limitLaunch(booted.podId, signal);
        return booted;
      }),
      awaitComfyUI: durable(({ input, signal }) => awaitComfyUI(env, input, witness, signal)),
      startPod: durable(async ({ input, signal }) => {
        witness.isPlaced = false;
        await startPod(env, input, signal);
      }),
      stopPod: durable(({ input, signal }) => stopPod(env, input, signal)),
      terminatePod: durable(({ input, signal }) => terminatePod(env, input, signal)),
    },
  });
}
