import { assign, fromPromise, setup } from 'xstate';
import { FAILURES, type Failure, type FailureCode, toFailure } from '../errors.ts';

/** Where a pod's sshd is during one boot of the pod. */
export interface SshAddress {
  host: string;
  port: number;
  user: string;
  /** Changes with each start of the pod; a host key is pinned for that long. */
  bootId: string;
}

export function isSameAddress(a: SshAddress, b: SshAddress | undefined): boolean {
  return a.host === b?.host && a.port === b.port && a.bootId === b.bootId;
}

/** One ssh connection with its sockets, enough to find it again after the keeper was killed. */
export interface Generation {
  /** Names its files in the runtime folder. */
  id: string;
  address: SshAddress;
}

/** What is wanted, until it is stopped. */
export interface TunnelWish {
  podId: string;
  localPort: number;
  remotePort: number;
  keyPath: string;
  /** The key has a passphrase: ssh asks the agent. */
  needsAgent: boolean;
  /** Where the agent of the terminal that asked for the tunnel answers; null where there is none. */
  agentSocket: string | null;
  /** The process that needs it only for as long as it runs; null for a tunnel that stays until it is stopped. */
  neededBy: { pid: number; startedAt: string } | null;
}

export interface TunnelContext {
  wish: TunnelWish;
  /** The ssh in use, or the suspect one while its successor proves itself. */
  generation: Generation | null;
  /** Attempts since the tunnel was last healthy. */
  attempt: number;
  /** Why it failed, or why it died last while it is not healthy. */
  failure: Failure | null;
}

export type TunnelEvent =
  | { type: 'stop.requested' }
  /** Something changed (a wake, a start, a user who asks): try now. */
  | { type: 'retry.requested' };

export type TunnelState =
  | 'starting'
  | 'healthy'
  | 'dead'
  | 'recreating'
  | 'waitingForPod'
  | 'failed'
  | 'stopping'
  | 'stopped';

/** How an attempt to open ended, other than by an error. */
export type Opened = { kind: 'open'; generation: Generation } | { kind: 'podNotRunning' };

export interface TunnelInput {
  wish: TunnelWish;
  generation: Generation | null;
}

const unprovided = (name: string) => Promise.reject(new Error(`${name} is not provided`));

const opening = {
  onDone: [{ guard: 'isOpen', target: 'healthy', actions: 'keepGeneration' }, { target: 'waitingForPod' }],
  onError: [
    { guard: 'isPodGone', target: 'stopping', actions: 'keepFailure' },
    { guard: 'canRetry', target: 'dead', actions: 'keepFailure' },
    { target: 'failed', actions: 'keepFailure' },
  ],
} as const;

/**
 * Keeps one local port joined to ComfyUI on one pod, through whatever happens to ssh, the network and the pod,
 * until it is asked to stop, the pod is gone, or only the user can help.
 */
export const tunnelMachine = setup({
  types: {
    context: {} as TunnelContext,
    events: {} as TunnelEvent,
    input: {} as TunnelInput,
  },
  actors: {
    /** Takes up the ssh there is if it answers, else opens one where RunPod says the pod is now. */
    openForward: fromPromise<Opened, { wish: TunnelWish; suspect: Generation | null }>(() =>
      unprovided('openForward'),
    ),
    /** Ends, with an error, when no answer comes through the forward any more. */
    holdForward: fromPromise<void, { generation: Generation | null }>(() => unprovided('holdForward')),
    awaitRetry: fromPromise<void, { attempt: number }>(() => unprovided('awaitRetry')),
    awaitPod: fromPromise<void, { podId: string }>(() => unprovided('awaitPod')),
    closeForward: fromPromise<void, { generation: Generation | null }>(() => unprovided('closeForward')),
  },
  guards: {
    isOpen: ({ event }) => generationOf(event) !== null,
    isPodGone: ({ event }) => ['podGone', 'podNotFound'].includes(codeOf(event)),
    canRetry: ({ event }) => FAILURES[codeOf(event)].retryable,
  },
  actions: {
    keepGeneration: assign({ generation: ({ event }) => generationOf(event), attempt: 0, failure: null }),
    keepFailure: assign({ failure: ({ event }) => failureOf(event) }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    forgetGeneration: assign({ generation: null }),
    startAfresh: assign({ attempt: 0 }),
  },
}).createMachine({
  id: 'tunnel@1',
  initial: 'starting',
  context: ({ input }) => ({ ...input, attempt: 0, failure: null }),
  on: { 'stop.requested': { target: '.stopping', actions: assign({ failure: null }) } },
  states: {
    starting: {
      description: 'Opening the tunnel for the first time, or taking up the ssh that was left running',
      invoke: {
        id: 'openForward',
        src: 'openForward',
        input: ({ context }) => ({ wish: context.wish, suspect: context.generation }),
        ...opening,
      },
    },
    healthy: {
      description: 'An answer came through the tunnel within the last seconds',
      invoke: {
        id: 'holdForward',
        src: 'holdForward',
        input: ({ context }) => ({ generation: context.generation }),
        onDone: 'dead',
        onError: { target: 'dead', actions: 'keepFailure' },
      },
    },
    dead: {
      description: 'No answer comes through; the next attempt follows at once, then after a pause',
      invoke: {
        id: 'awaitRetry',
        src: 'awaitRetry',
        input: ({ context }) => ({ attempt: context.attempt }),
        onDone: { target: 'recreating', actions: 'countAttempt' },
      },
      on: { 'retry.requested': { target: 'recreating', actions: ['startAfresh', 'countAttempt'] } },
    },
    recreating: {
      description: 'Opening another ssh where RunPod says the pod is now; the first to answer is used',
      invoke: {
        id: 'openForward',
        src: 'openForward',
        input: ({ context }) => ({ wish: context.wish, suspect: context.generation }),
        ...opening,
      },
    },
    waitingForPod: {
      description: 'The pod does not run; the tunnel comes back when it does',
      invoke: {
        id: 'awaitPod',
        src: 'awaitPod',
        input: ({ context }) => ({ podId: context.wish.podId }),
        onDone: { target: 'recreating', actions: 'startAfresh' },
        onError: [
          { guard: 'isPodGone', target: 'stopping', actions: 'keepFailure' },
          { guard: 'canRetry', target: 'waitingForPod', reenter: true, actions: 'keepFailure' },
          { target: 'failed', actions: 'keepFailure' },
        ],
      },
      on: { 'retry.requested': { target: 'recreating', actions: 'startAfresh' } },
    },
    failed: {
      description: 'It cannot come back by itself; the failure says what to do',
      on: { 'retry.requested': { target: 'recreating', actions: 'startAfresh' } },
    },
    stopping: {
      description: 'Ending ssh',
      invoke: {
        id: 'closeForward',
        src: 'closeForward',
        input: ({ context }) => ({ generation: context.generation }),
        onDone: { target: 'stopped', actions: 'forgetGeneration' },
        onError: { target: 'stopped', actions: 'forgetGeneration' },
      },
    },
    stopped: { description: 'ssh has ended and the local port is free', type: 'final' },
  },
});

function failureOf(event: unknown): Failure {
  return toFailure((event as { error?: unknown }).error);
}

function codeOf(event: unknown): FailureCode {
  return failureOf(event).code;
}

function generationOf(event: unknown): Generation | null {
  const opened = (event as { output?: Opened }).output;
  return opened?.kind === 'open' ? opened.generation : null;
}
