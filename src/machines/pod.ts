import { assign, fromPromise, setup } from 'xstate';
import {
  broken,
  factsOf,
  failureOf,
  gone,
  is,
  isBootToReplace,
  isCandidateRefused,
  isFoundPod,
  isNothing,
  isNothingCreated,
  isUnanswered,
  placedAt,
  podIdOf,
  summary,
  withRefusal,
} from './pod-reading.ts';
import type {
  Candidate,
  Placed,
  PodContext,
  PodEvent,
  PodFacts,
  PodInput,
  PodWish,
  Sighting,
} from './pod-types.ts';

/** Creates whose answer was lost, after which we stop asking and tell the user. */
const MAX_UNANSWERED_CREATES = 3;

const unprovided = (name: string) => Promise.reject(new Error(`${name} is not provided`));

/**
 * The life of one pod, from a wish to a ComfyUI that answers, and its end. Every run begins in `reconciling`:
 * what RunPod says is the truth, what is saved is how to find it.
 */
export const podMachine = setup({
  types: {
    context: {} as PodContext,
    events: {} as PodEvent,
    input: {} as PodInput,
  },
  actors: {
    lookForPod: fromPromise<Sighting, PodFacts>(() => unprovided('lookForPod')),
    validateVolume: fromPromise<{ dataCenterId: string | null }, { wish: PodWish }>(() =>
      unprovided('validateVolume'),
    ),
    planPlacement: fromPromise<Candidate[], { wish: PodWish }>(() => unprovided('planPlacement')),
    placePod: fromPromise<Placed, { facts: PodFacts; candidate: Candidate | undefined }>(() =>
      unprovided('placePod'),
    ),
    awaitBoot: fromPromise<{ podId: string }, PodFacts>(() => unprovided('awaitBoot')),
    awaitComfyUI: fromPromise<{ localPort: number | null }, PodFacts>(() => unprovided('awaitComfyUI')),
    startPod: fromPromise<void, PodFacts>(() => unprovided('startPod')),
    stopPod: fromPromise<void, PodFacts>(() => unprovided('stopPod')),
    terminatePod: fromPromise<void, PodFacts>(() => unprovided('terminatePod')),
  },
  guards: {
    wantsTerminated: ({ context }) => context.goal === 'terminated',
    wantsStopped: ({ context }) => context.goal === 'stopped',
    isFound: ({ event }) => !isNothing(event),
    isNothing: ({ event }) => isNothing(event),
    isNothingToEnd: ({ context, event }) => isNothing(event) && context.goal === 'terminated',
    isNothingToStop: ({ context, event }) => isNothing(event) && context.goal === 'stopped',
    isGone: ({ context, event }) => isNothing(event) && context.podId !== null,
    isStoppedAsWanted: ({ context, event }) => is(event, 'stopped') && context.goal === 'stopped',
    isBroken: ({ event }) => is(event, 'broken'),
    isToStart: ({ context, event }) => is(event, 'stopped') || isBootToReplace(context, event),
    isUnanswered: ({ event }) => isUnanswered(event),
    canTryNext: ({ context, event }) =>
      isCandidateRefused(event) && context.candidate + 1 < context.plan.length,
    isRefused: ({ event }) => isCandidateRefused(event),
    isNothingCreated: ({ event }) => isNothingCreated(event),
    isOutOfTries: ({ context }) => context.unansweredCreates + 1 >= MAX_UNANSWERED_CREATES,
  },
  actions: {
    wantReady: assign({ goal: 'ready', failure: null }),
    wantStopped: assign({ goal: 'stopped', failure: null }),
    wantTerminated: assign({ goal: 'terminated', failure: null }),
    keepFailure: assign({ failure: ({ event }) => failureOf(event) }),
    forgetPod: assign({ podId: null, localPort: null, isCreateOpen: false }),
    openCreate: assign({ isCreateOpen: true }),
    closeCreate: assign({ isCreateOpen: false }),
    countUnanswered: assign({ unansweredCreates: ({ context }) => context.unansweredCreates + 1 }),
    // The create that was open when the last run ended is still unanswered, and RunPod shows no pod of it.
    countOpenCreate: assign({
      unansweredCreates: ({ context }) => context.unansweredCreates + (context.isCreateOpen ? 1 : 0),
    }),
    // A pod found where one was to be made is that of a create that went unanswered.
    discountFound: assign({
      unansweredCreates: ({ context, event }) =>
        Math.max(0, context.unansweredCreates - (isFoundPod(event) ? 1 : 0)),
    }),
    keepPod: assign({ podId: ({ event }) => podIdOf(event), isCreateOpen: false }),
    noteRefusal: assign({ refusals: ({ context, event }) => withRefusal(context, failureOf(event)) }),
    tryNextCandidate: assign({ candidate: ({ context }) => context.candidate + 1 }),
    summarizeRefusals: assign({ failure: ({ context }) => summary(context) }),
  },
}).createMachine({
  id: 'pod@1',
  initial: 'reconciling',
  context: ({ input }) => ({
    ...input.facts,
    failure: null,
    plan: [],
    candidate: 0,
    refusals: [],
    readyBy: input.readyBy,
  }),
  on: {
    'stop.requested': { target: '.reconciling', actions: 'wantStopped' },
    'start.requested': { target: '.reconciling', actions: 'wantReady' },
    'terminate.requested': { target: '.reconciling', actions: 'wantTerminated' },
    'restart.requested': {
      target: '.reconciling',
      actions: ['wantReady', assign({ bootToReplace: ({ event }) => event.bootId })],
    },
  },
  states: {
    reconciling: {
      description: 'Asking RunPod what is true now',
      invoke: {
        id: 'lookForPod',
        src: 'lookForPod',
        input: ({ context }) => factsOf(context),
        onDone: [
          { guard: 'isNothingToEnd', target: 'terminated', actions: 'forgetPod' },
          {
            guard: 'isGone',
            target: 'terminated',
            actions: [assign({ failure: ({ context }) => gone(context) }), 'forgetPod'],
          },
          { guard: 'isNothingToStop', target: 'terminated', actions: 'forgetPod' },
          { guard: 'isNothing', target: 'creating', actions: ['countOpenCreate', 'closeCreate'] },
          { guard: 'wantsTerminated', target: 'terminating', actions: 'keepPod' },
          { guard: 'isStoppedAsWanted', target: 'stopped', actions: 'keepPod' },
          { guard: 'wantsStopped', target: 'stopping', actions: 'keepPod' },
          {
            guard: 'isBroken',
            target: 'failed',
            actions: ['keepPod', assign({ failure: ({ event }) => broken(event) })],
          },
          { guard: 'isToStart', target: 'starting', actions: 'keepPod' },
          { target: 'booting', actions: 'keepPod' },
        ],
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    creating: {
      description: 'Having RunPod make the pod',
      initial: 'validatingVolume',
      states: {
        validatingVolume: {
          description: 'Checking that the network volume exists, and where',
          invoke: {
            id: 'validateVolume',
            src: 'validateVolume',
            input: ({ context }) => ({ wish: context.wish }),
            onDone: {
              target: 'volumeValidated',
              actions: assign({
                wish: ({ context, event }) => placedAt(context.wish, event.output.dataCenterId),
              }),
            },
            onError: { target: '#pod@1.failed', actions: 'keepFailure' },
          },
        },
        volumeValidated: {
          description: 'Planning where the pod can run, from stock and price',
          invoke: {
            id: 'planPlacement',
            src: 'planPlacement',
            input: ({ context }) => ({ wish: context.wish }),
            onDone: {
              target: 'placing',
              actions: assign({ plan: ({ event }) => event.output, candidate: 0, refusals: [] }),
            },
            onError: { target: '#pod@1.failed', actions: 'keepFailure' },
          },
        },
        // Looks before it creates, each time: asking twice must not buy twice (I2).
        placing: {
          description: 'Asking RunPod for the pod, one candidate at a time',
          entry: 'openCreate',
          invoke: {
            id: 'placePod',
            src: 'placePod',
            input: ({ context }) => ({
              facts: factsOf(context),
              candidate: context.plan[context.candidate],
            }),
            onDone: { target: '#pod@1.booting', actions: ['discountFound', 'keepPod'] },
            onError: [
              { guard: 'isUnanswered', target: 'lookingAgain', actions: 'keepFailure' },
              {
                guard: 'canTryNext',
                target: 'placing',
                reenter: true,
                actions: ['noteRefusal', 'tryNextCandidate'],
              },
              {
                guard: 'isRefused',
                target: '#pod@1.failed',
                actions: ['noteRefusal', 'closeCreate', 'summarizeRefusals'],
              },
              {
                guard: 'isNothingCreated',
                target: '#pod@1.failed',
                actions: ['closeCreate', 'keepFailure'],
              },
              { target: '#pod@1.failed', actions: 'keepFailure' },
            ],
          },
        },
        lookingAgain: {
          description: 'The answer to a create was lost: looking for the pod before asking again',
          invoke: {
            id: 'lookForPod',
            src: 'lookForPod',
            input: ({ context }) => factsOf(context),
            onDone: [
              {
                guard: 'isFound',
                target: '#pod@1.booting',
                actions: ['keepPod', assign({ failure: null })],
              },
              { guard: 'isOutOfTries', target: '#pod@1.failed' },
              {
                guard: 'isNothing',
                target: 'placing',
                actions: ['countUnanswered', assign({ failure: null })],
              },
            ],
            onError: { target: '#pod@1.failed', actions: 'keepFailure' },
          },
        },
      },
    },
    booting: {
      description: 'Waiting until the pod runs and its sshd has a public address',
      invoke: {
        id: 'awaitBoot',
        src: 'awaitBoot',
        input: ({ context }) => factsOf(context),
        onDone: { target: 'startingComfyUI', actions: assign({ bootToReplace: null }) },
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    startingComfyUI: {
      description: 'Waiting until ComfyUI answers through the tunnel',
      invoke: {
        id: 'awaitComfyUI',
        src: 'awaitComfyUI',
        input: ({ context }) => factsOf(context),
        onDone: {
          target: 'ready',
          // A pod with our launch id that shows up from here on was not made by a create of ours.
          actions: assign({ localPort: ({ event }) => event.output.localPort, unansweredCreates: 0 }),
        },
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    ready: { description: 'ComfyUI answered through the tunnel' },
    stopping: {
      description: 'Closing the tunnel and stopping the pod',
      invoke: {
        id: 'stopPod',
        src: 'stopPod',
        input: ({ context }) => factsOf(context),
        onDone: { target: 'stopped', actions: assign({ localPort: null }) },
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    stopped: { description: 'RunPod says the pod is stopped: no GPU is paid for' },
    starting: {
      description: 'Starting the pod again',
      invoke: {
        id: 'startPod',
        src: 'startPod',
        input: ({ context }) => factsOf(context),
        onDone: 'booting',
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    terminating: {
      description: 'Closing the tunnel and deleting the pod',
      invoke: {
        id: 'terminatePod',
        src: 'terminatePod',
        input: ({ context }) => factsOf(context),
        onDone: { target: 'terminated', actions: 'forgetPod' },
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    terminated: { description: 'RunPod says the pod is gone' },
    failed: { description: 'It cannot go on by itself; the failure says why' },
  },
});
