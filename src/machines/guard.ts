import { assign, fromPromise, setup } from 'xstate';

/** What is asked of a guard. It is the keeper's own plan in other words. */
export interface GuardOrders {
  podId: string;
  /** Of two machines' orders those with the higher number hold. */
  seq: number;
}

/** What a look at the pod brought. `none`: the guard does not run there (the container was started again). */
export type GuardSeen =
  | { state: 'armed' }
  | { state: 'due'; why: string }
  | { state: 'fired'; why: string }
  | { state: 'none' };

export interface GuardContext {
  orders: GuardOrders;
  /** Why it is not armed, or why it ends the pod, in words; null while there is nothing to say. */
  why: string | null;
}

export type GuardEvent =
  /** There is a plan for a pod that runs, or another one than before. */
  | { type: 'plan.changed'; orders: GuardOrders }
  | { type: 'plan.dropped' }
  /** The pod stopped, or its container was started again: what ran in it has ended. */
  | { type: 'pod.restarted' }
  | { type: 'guard.seen'; seen: GuardSeen }
  /** Time to try again what was refused. */
  | { type: 'retry.requested' };

export type GuardState = 'unarmed' | 'arming' | 'armed' | 'due' | 'fired' | 'refused';

const unprovided = (name: string) => Promise.reject(new Error(`${name} is not provided`));

const changes = {
  'plan.changed': { target: 'arming', actions: 'keepOrders' },
  'plan.dropped': { target: 'unarmed', actions: 'forgetWhy' },
  'pod.restarted': { target: 'arming', actions: 'forgetWhy' },
} as const;

const sightings = {
  'guard.seen': [
    { guard: 'isArmed', target: 'armed', actions: 'forgetWhy' },
    { guard: 'isDue', target: 'due', actions: 'keepWhy' },
    { guard: 'isFired', target: 'fired', actions: 'keepWhy' },
    { target: 'arming', actions: 'forgetWhy' },
  ],
} as const;

/**
 * The program in the pod that ends it when its time is up, and what is known of it here. Whoever sees a start of the pod
 * first arms it again.
 */
export const guardMachine = setup({
  types: {
    context: {} as GuardContext,
    events: {} as GuardEvent,
    input: {} as { orders: GuardOrders },
  },
  actors: {
    /** Puts the program and its orders into the pod. Ends when its own key has read its own pod; else throws why not. */
    armGuard: fromPromise<GuardSeen, { orders: GuardOrders }>(() => unprovided('armGuard')),
  },
  guards: {
    isArmed: ({ event }) => seenIn(event).state === 'armed',
    isDue: ({ event }) => seenIn(event).state === 'due',
    isFired: ({ event }) => seenIn(event).state === 'fired',
  },
  actions: {
    keepOrders: assign({
      orders: ({ context, event }) => (event.type === 'plan.changed' ? event.orders : context.orders),
    }),
    keepWhy: assign({ why: ({ event }) => whyIn(event) }),
    keepRefusal: assign({ why: ({ event }) => refusalIn(event) }),
    forgetWhy: assign({ why: null }),
  },
}).createMachine({
  id: 'guard@1',
  initial: 'unarmed',
  context: ({ input }) => ({ ...input, why: null }),
  states: {
    unarmed: {
      description: 'The pod has no plan: nothing watches it from inside',
      on: { 'plan.changed': changes['plan.changed'] },
    },
    arming: {
      description: 'Putting the guard into the pod; it has yet to read its own pod through the API',
      invoke: {
        id: 'armGuard',
        src: 'armGuard',
        input: ({ context }) => ({ orders: context.orders }),
        onDone: [
          { guard: 'isDue', target: 'due', actions: 'keepWhy' },
          { guard: 'isFired', target: 'fired', actions: 'keepWhy' },
          { target: 'armed', actions: 'forgetWhy' },
        ],
        onError: { target: 'refused', actions: 'keepRefusal' },
      },
      on: {
        'plan.changed': { ...changes['plan.changed'], reenter: true },
        'plan.dropped': changes['plan.dropped'],
        'pod.restarted': { ...changes['pod.restarted'], reenter: true },
      },
    },
    armed: {
      description: 'It watches from inside, whatever becomes of this machine: its own key reads its own pod',
      on: { ...changes, ...sightings },
    },
    due: {
      description: 'Its time has come; a job still runs, or RunPod has not taken the request yet',
      on: { ...changes, ...sightings },
    },
    fired: {
      description: 'It has had RunPod end the pod',
      on: { ...changes, ...sightings },
    },
    refused: {
      description: 'Not armed: only this machine watches. It is tried again',
      on: { ...changes, 'retry.requested': { target: 'arming', actions: 'forgetWhy' } },
    },
  },
});

function seenIn(event: unknown): GuardSeen {
  const { seen, output } = event as { seen?: GuardSeen; output?: GuardSeen };
  return seen ?? output ?? { state: 'none' };
}

function whyIn(event: unknown): string | null {
  const seen = seenIn(event);
  return 'why' in seen ? seen.why : null;
}

function refusalIn(event: unknown): string {
  const { error } = event as { error?: unknown };
  return error instanceof Error ? error.message : String(error);
}
