import { assign, fromPromise, setup } from 'xstate';
import { FAILURES, toFailure } from '../errors.ts';
import {
  accepted,
  afresh,
  codeOf,
  failureOf,
  foundOf,
  handedTo,
  isOutOfTries,
  lostForGood,
  made,
  type Prepared,
  refusalOf,
  sent,
  taken,
  type Uploaded,
} from './job-reading.ts';
import type { Found, JobContext, JobEvent, JobFacts, JobInputFacts, Submitted } from './job-types.ts';

const unprovided = (name: string) => Promise.reject(new Error(`${name} is not provided`));

/** A look tells what to do about what went wrong, where anything can be done. */
const lookAgain = [
  { guard: 'canComeBack', target: 'reconciling' },
  { target: 'failed', actions: 'keepFailure' },
] as const;

/**
 * The life of one job, from a prompt on disk to its files on this machine. Every run begins in `reconciling`: ComfyUI
 * says where the prompt is, and what is saved says which one to ask for. It is handed over once (I21).
 */
export const jobMachine = setup({
  types: {
    context: {} as JobContext,
    events: {} as JobEvent,
    input: {} as JobInputFacts,
  },
  actors: {
    lookForPrompt: fromPromise<Found, JobFacts>(() => unprovided('lookForPrompt')),
    /** Its end is that of waiting: ComfyUI answers again. */
    awaitReach: fromPromise<void, JobFacts>(() => unprovided('awaitReach')),
    prepareJob: fromPromise<Prepared, JobFacts>(() => unprovided('prepareJob')),
    uploadInputs: fromPromise<Uploaded, JobFacts>(() => unprovided('uploadInputs')),
    submitPrompt: fromPromise<Submitted, { facts: JobFacts; uploaded: string[] }>(() =>
      unprovided('submitPrompt'),
    ),
    awaitTurn: fromPromise<Found, JobFacts>(() => unprovided('awaitTurn')),
    awaitEnd: fromPromise<Found, JobFacts>(() => unprovided('awaitEnd')),
    fetchFiles: fromPromise<void, JobFacts>(() => unprovided('fetchFiles')),
  },
  guards: {
    isCancelled: ({ event }) => foundOf(event)?.kind === 'cancelled',
    isOver: ({ event }) => ['made', 'failed'].includes(foundOf(event)?.kind ?? ''),
    hasBegun: ({ event }) => ['running', 'made', 'failed'].includes(foundOf(event)?.kind ?? ''),
    isRunning: ({ event }) => foundOf(event)?.kind === 'running',
    isPending: ({ event }) => foundOf(event)?.kind === 'pending',
    isNowhere: ({ event }) => foundOf(event)?.kind === 'nowhere',
    isLost: ({ event }) => foundOf(event)?.kind === 'lost',
    isLostForGood: ({ context, event }) => foundOf(event)?.kind === 'lost' && isOutOfTries(context),
    isRefused: ({ event }) => refusalOf(event) !== undefined,
    hasAFailure: ({ context }) => context.failure !== null,
    isGone: ({ context, event }) => codeOf(event) === 'outputGone' && !isOutOfTries(context),
    canComeBack: ({ event }) => FAILURES[codeOf(event)].retryable,
  },
  actions: {
    keepMade: assign(({ context, event }) => made(context, foundOf(event))),
    keepAccepted: assign(({ context, event }) => accepted(context, event)),
    keepTaken: assign(({ context }) => taken(context)),
    beginAfresh: assign(({ context }) => afresh(context)),
    tellLost: assign(({ context }) => lostForGood(context)),
    keepFailure: assign({ failure: ({ event }) => failureOf(event) }),
  },
}).createMachine({
  id: 'job@1',
  initial: 'reconciling',
  context: ({ input }) => ({ ...input.facts, uploaded: [] }),
  on: {
    'cancel.requested': { target: '.reconciling', actions: assign({ asked: 'cancel' }) },
    'pod.given': {
      target: '.reconciling',
      actions: assign({ podId: ({ event }) => event.podId }),
    },
    'pod.taken': { target: '.waitingForPod', actions: assign({ podId: null }) },
  },
  states: {
    reconciling: {
      description: 'Asking ComfyUI where the job is',
      invoke: {
        id: 'lookForPrompt',
        src: 'lookForPrompt',
        input: ({ context }) => context,
        onDone: [
          { guard: 'isCancelled', target: 'cancelled' },
          { guard: 'isOver', target: 'downloading', actions: 'keepMade' },
          { guard: 'isRunning', target: 'running', actions: 'keepTaken' },
          { guard: 'isPending', target: 'queued', actions: 'keepTaken' },
          { guard: 'isNowhere', target: 'waitingForPod' },
          { guard: 'isLostForGood', target: 'failed', actions: 'tellLost' },
          { guard: 'isLost', target: 'preparing', actions: 'beginAfresh' },
          { target: 'preparing' },
        ],
        onError: [
          { guard: 'canComeBack', target: 'waitingForPod' },
          { target: 'failed', actions: 'keepFailure' },
        ],
      },
    },
    waitingForPod: {
      description: 'No pod has it, or its pod cannot be reached',
      invoke: {
        id: 'awaitReach',
        src: 'awaitReach',
        input: ({ context }) => context,
        onDone: 'reconciling',
        onError: { target: 'failed', actions: 'keepFailure' },
      },
    },
    preparing: {
      description: 'Reading what it is to run, and on what',
      invoke: {
        id: 'prepareJob',
        src: 'prepareJob',
        input: ({ context }) => context,
        onDone: {
          target: 'uploading',
          actions: assign(({ context, event }) => handedTo(context, event.output)),
        },
        onError: lookAgain,
      },
    },
    uploading: {
      description: 'Sending the files it takes in',
      invoke: {
        id: 'uploadInputs',
        src: 'uploadInputs',
        input: ({ context }) => context,
        onDone: {
          target: 'submitting',
          actions: assign(({ context, event }) => sent(context, event.output)),
        },
        onError: lookAgain,
      },
    },
    // What is saved names the prompt before it leaves, and the work looks before it sends (I21).
    submitting: {
      description: 'Handing it to ComfyUI, unless ComfyUI has it',
      invoke: {
        id: 'submitPrompt',
        src: 'submitPrompt',
        input: ({ context }) => ({ facts: context, uploaded: context.uploaded }),
        onDone: [
          {
            guard: 'isRefused',
            target: 'failed',
            actions: assign({ failure: ({ event }) => refusalOf(event) ?? toFailure(undefined) }),
          },
          { target: 'queued', actions: 'keepAccepted' },
        ],
        onError: lookAgain,
      },
    },
    queued: {
      description: 'ComfyUI has it; others come first',
      invoke: {
        id: 'awaitTurn',
        src: 'awaitTurn',
        input: ({ context }) => context,
        onDone: [{ guard: 'hasBegun', target: 'running' }, { target: 'reconciling' }],
        onError: lookAgain,
      },
    },
    running: {
      description: 'ComfyUI is at work on it',
      invoke: {
        id: 'awaitEnd',
        src: 'awaitEnd',
        input: ({ context }) => context,
        onDone: [{ guard: 'isOver', target: 'downloading', actions: 'keepMade' }, { target: 'reconciling' }],
        onError: lookAgain,
      },
    },
    downloading: {
      description: 'Bringing what was made to this machine',
      invoke: {
        id: 'fetchFiles',
        src: 'fetchFiles',
        input: ({ context }) => context,
        onDone: [{ guard: 'hasAFailure', target: 'failed' }, { target: 'done' }],
        onError: [{ guard: 'isGone', target: 'preparing', actions: 'beginAfresh' }, ...lookAgain],
      },
      on: { 'files.arrived': { actions: assign({ outputs: ({ event }) => event.outputs }) } },
    },
    done: { description: 'All it made is on this machine', type: 'final' },
    failed: { description: 'It cannot go on by itself; the failure says why', type: 'final' },
    cancelled: { description: 'It was taken back before it was done', type: 'final' },
  },
});
