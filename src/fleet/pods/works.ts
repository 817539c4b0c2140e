import { awaitBoot } from '../../lifecycle/boot.ts';
import { awaitComfyUI } from '../../lifecycle/comfy.ts';
import type { Environment } from '../../lifecycle/environment.ts';
import { getPod, lookForPod } from '../../lifecycle/look.ts';
import { findDataCenter, placePod, planCandidates } from '../../lifecycle/place.ts';
import type { Witness } from '../../lifecycle/pod-log.ts';
import { startPod, stopPod, terminatePod } from '../../lifecycle/power.ts';
import type { Candidate, PodFacts, PodWish } from '../../machines/pod-types.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Doing, DurableWork } from '../engine/durable.ts';
import { environmentOf } from './environment.ts';
import type { Fleet } from './fleet.ts';
import type { KeyKeeping } from './key-keeping.ts';

/** Milliseconds of a box: it outlasts each look at RunPod, and a second worker's patience with the first. */
export const BOX_MS = 90_000;

/** Milliseconds for a create, which is no box: it is begun once, and must end before the engine takes it for dead. */
const PLACE_MS = 5 * 60_000;

/** Tasks of a pod that the same launch may well do twice, and so box by box: each looks before it acts. */
export function podWorks(
  fleet: Fleet,
  keys: Pick<KeyKeeping, 'atBoot'>,
  boxMs = BOX_MS,
): Record<string, DurableWork> {
  const boxed = <Input>(run: Step<Input>): DurableWork => ({
    boxMs,
    run: (doing) => within(environmentOf(fleet, doing), doing, run),
  });
  const facts = (run: Step<PodFacts>) => boxed(run);
  return {
    lookForPod: facts((env, input, signal) => lookForPod(env, input, signal)),
    validateVolume: boxed<{ wish: PodWish }>((env, { wish }, signal) => findDataCenter(env, wish, signal)),
    planPlacement: boxed<{ wish: PodWish }>((env, { wish }, signal) => planCandidates(env, wish, signal)),
    placePod: {
      // A list that lags would hide the pod of a create that was made and not recorded.
      whenCutOff: { code: 'createUnanswered', detail: {} },
      run: (doing) =>
        within<{ facts: PodFacts; candidate: Candidate | undefined }>(
          environmentOf(fleet, doing, PLACE_MS),
          doing,
          (env, input, signal) => placePod(env, input.facts, input.candidate, signal),
        ),
    },
    awaitBoot: facts(async (env, input, signal) => {
      const witness = await witnessOf(env, input, signal);
      const booted = await awaitBoot(env, input, witness, signal);
      // What it costs is told only once it runs.
      await env.limitLaunch(booted.podId, signal);
      await fleet.watchPod(input.launchId);
      return booted;
    }),
    awaitComfyUI: facts(async (env, input, signal) => {
      const witness = await witnessOf(env, input, signal);
      const over = new AbortController();
      const letIn = keys.atBoot(input.podId ?? '', AbortSignal.any([signal, over.signal]));
      try {
        return await awaitComfyUI(env, input, witness, signal);
      } finally {
        over.abort();
        await letIn;
        await env.keeper.close(input.podId ?? '').catch(() => undefined);
      }
    }),
    startPod: facts((env, input, signal) => startPod(env, input, signal)),
    stopPod: facts((env, input, signal) => stopPod(env, input, signal)),
    terminatePod: facts((env, input, signal) => terminatePod(env, input, signal)),
  };
}

type Step<Input> = (env: Environment, input: Input, signal: AbortSignal) => Promise<unknown>;

function within<Input>(env: Environment, { input, signal }: Doing, run: Step<Input>): Promise<unknown> {
  return run(env, input as Input, AbortSignal.any([signal, env.deadline.signal]));
}

/** What a box can know of the boot it finds: another one, perhaps elsewhere, has seen it begin. */
async function witnessOf(env: Environment, { podId }: PodFacts, signal: AbortSignal): Promise<Witness> {
  const pod = podId === null ? undefined : await getPod(env, podId, signal);
  return { isPlaced: false, startedAt: undefined, runsSince: pod && (observePod(pod).bootId || undefined) };
}
