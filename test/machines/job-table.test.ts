import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, transition, waitFor } from 'xstate';
import { AutopodError, type FailureCode } from '../../src/errors.ts';
import { jobMachine } from '../../src/machines/job.ts';
import { jobFactsOf, type Prepared } from '../../src/machines/job-reading.ts';
import type {
  Found,
  JobContext,
  JobEvent,
  JobFacts,
  JobOutput,
  JobState,
  Submitted,
} from '../../src/machines/job-types.ts';
import { jobFacts } from '../support/job-facts.ts';

/** What each invoked actor may end with. */
interface Endings {
  lookForPrompt: Find | 'unreachable' | 'broken';
  awaitReach: 'done' | 'broken';
  prepareJob: 'done' | 'unreachable' | 'broken';
  uploadInputs: 'done' | 'unreachable' | 'broken';
  submitPrompt: 'taken' | 'refused' | 'unanswered' | 'broken';
  awaitTurn: Find | 'unreachable' | 'broken';
  awaitEnd: Find | 'unreachable' | 'broken';
  fetchFiles: 'done' | 'gone' | 'unreachable' | 'broken';
}
type Actor = keyof Endings;
type Find =
  | 'nowhere'
  | 'notSent'
  | 'lost'
  | 'pending'
  | 'running'
  | 'made'
  | 'failed'
  | 'failedEarly'
  | 'cancelled';

const output = (n: number, path: string | null = null): JobOutput => ({
  nodeId: '9',
  n,
  filename: `a_${n}.png`,
  subfolder: '',
  type: 'output',
  path,
  bytes: path === null ? null : 5,
  sha256: path === null ? null : 'f'.repeat(64),
});
const ran = { ranMs: 9_000, startedAt: 1_000, endedAt: 10_000 };
const promptFailed = { code: 'promptFailed', detail: { nodeId: '3' } } as const;
const ranOn = { podId: 'p1', gpu: 'NVIDIA A40', pricePerHour: 0.4, comfyui: '0.33.0' };

const FOUND: Record<Find, Found> = {
  nowhere: { kind: 'nowhere' },
  notSent: { kind: 'notSent' },
  lost: { kind: 'lost' },
  pending: { kind: 'pending' },
  running: { kind: 'running' },
  made: { kind: 'made', outputs: [output(0), output(1)], ...ran },
  failed: { kind: 'failed', failure: promptFailed, outputs: [output(0)], ...ran },
  failedEarly: { kind: 'failed', failure: promptFailed, outputs: [], ...ran },
  cancelled: { kind: 'cancelled' },
};

const failed = (code: FailureCode) => ({ error: new AutopodError(code) });
const trouble = { unreachable: failed('comfyUnanswered'), broken: failed('stateDamaged') };
const finds = Object.fromEntries(
  Object.entries(FOUND).map(([name, found]) => [name, { output: found }]),
) as Record<Find, { output: Found }>;

const ENDINGS: { [A in Actor]: Record<Endings[A], { output?: unknown } | { error: unknown }> } = {
  lookForPrompt: { ...finds, ...trouble },
  awaitReach: { done: {}, broken: trouble.broken },
  prepareJob: { done: { output: { promptId: 'prompt-2', ranOn } }, ...trouble },
  uploadInputs: { done: { output: { names: ['autopod-1.png'], at: 77 } }, ...trouble },
  submitPrompt: {
    taken: { output: { kind: 'taken' } },
    refused: { output: { kind: 'refused', failure: { code: 'promptRefused', detail: {} } } },
    unanswered: failed('comfyUnanswered'),
    broken: failed('promptTooLarge'),
  },
  awaitTurn: { ...finds, ...trouble },
  awaitEnd: { ...finds, ...trouble },
  fetchFiles: {
    done: {},
    gone: failed('outputGone'),
    unreachable: trouble.unreachable,
    broken: failed('diskFull'),
  },
};

const AGAIN = { unreachable: 'reconciling', broken: 'failed' } as const;
/** Whatever else a wait finds, a look tells what to do about it. */
const WAIT = {
  nowhere: 'reconciling',
  notSent: 'reconciling',
  lost: 'reconciling',
  cancelled: 'reconciling',
  pending: 'reconciling',
  made: 'downloading',
  failed: 'downloading',
  failedEarly: 'downloading',
  ...AGAIN,
} as const;

/** The actor each state runs, and where each of its endings leads. */
const TABLE: Record<JobState, { [A in Actor]?: Record<Endings[A], JobState> }> = {
  reconciling: {
    lookForPrompt: {
      nowhere: 'waitingForPod',
      notSent: 'preparing',
      lost: 'preparing',
      pending: 'queued',
      running: 'running',
      made: 'downloading',
      failed: 'downloading',
      failedEarly: 'downloading',
      cancelled: 'cancelled',
      unreachable: 'waitingForPod',
      broken: 'failed',
    },
  },
  waitingForPod: { awaitReach: { done: 'reconciling', broken: 'failed' } },
  preparing: { prepareJob: { done: 'uploading', ...AGAIN } },
  uploading: { uploadInputs: { done: 'submitting', ...AGAIN } },
  submitting: {
    submitPrompt: { taken: 'queued', refused: 'failed', unanswered: 'reconciling', broken: 'failed' },
  },
  queued: {
    awaitTurn: { ...WAIT, running: 'running', made: 'running', failed: 'running', failedEarly: 'running' },
  },
  running: { awaitEnd: { ...WAIT, running: 'reconciling' } },
  downloading: { fetchFiles: { done: 'done', gone: 'preparing', ...AGAIN } },
  done: {},
  failed: {},
  cancelled: {},
};

const ENDED: readonly JobState[] = ['done', 'failed', 'cancelled'];
const EVENTS: Record<JobEvent['type'], { event: JobEvent; to: JobState | null }> = {
  'cancel.requested': { event: { type: 'cancel.requested' }, to: 'reconciling' },
  'pod.given': { event: { type: 'pod.given', podId: 'p2' }, to: 'reconciling' },
  'pod.taken': { event: { type: 'pod.taken' }, to: 'waitingForPod' },
  'files.arrived': { event: { type: 'files.arrived', outputs: [output(0, '/tmp/a')] }, to: null },
};

const states = Object.keys(TABLE) as JobState[];
const on = (changes: Partial<JobContext> = {}): JobContext => ({
  ...jobFacts({ podId: 'p1', ranOn, submissions: [{ podId: 'p1', promptId: 'prompt-1', sentAt: 5 }] }),
  uploaded: [],
  ...changes,
});

function step(state: JobState, event: object, changes: Partial<JobContext> = {}) {
  const snapshot = jobMachine.resolveState({ value: state, context: on(changes) } as never);
  const [next] = transition(jobMachine, snapshot, event as never);
  return { state: next.value as JobState, context: next.context };
}

function ending(actor: Actor, name: string): object {
  const result = (ENDINGS[actor] as Record<string, object>)[name] ?? {};
  return { type: `xstate.${'error' in result ? 'error' : 'done'}.actor.${actor}`, actorId: actor, ...result };
}

describe('job machine, state × event', () => {
  it('has exactly the states of the table, each with a meaning and an actor of its own name', () => {
    expect(states.toSorted()).toEqual(Object.keys(jobMachine.states).toSorted());
    const nodes = Object.values(jobMachine.states);
    expect(nodes.filter(({ description }) => !description)).toEqual([]);
    expect(nodes.flatMap(({ invoke }) => invoke).every(({ id, src }) => id === src)).toBe(true);
  });

  for (const state of states) {
    for (const [actor, endings] of Object.entries(TABLE[state])) {
      for (const [name, expected] of Object.entries(endings)) {
        it(`${state}: ${actor} ${name} leads to ${expected}`, () => {
          expect(step(state, ending(actor as Actor, name)).state).toBe(expected);
        });
      }
    }

    it(`${state}: an ending of an actor it does not run changes nothing`, () => {
      for (const actor of Object.keys(ENDINGS).filter((name) => !(name in TABLE[state])) as Actor[]) {
        for (const name of Object.keys(ENDINGS[actor]))
          expect(step(state, ending(actor, name)).state).toBe(state);
      }
    });

    // What is final no event reaches.
    for (const [type, { event, to }] of ENDED.includes(state) ? [] : Object.entries(EVENTS)) {
      const expected = to ?? state;
      it(`${state}: ${type} leads to ${expected}`, () => expect(step(state, event).state).toBe(expected));
    }
  }

  it('what has ended stays so', () => {
    const final = Object.values(jobMachine.states).filter(({ type }) => type === 'final');
    expect(final.map(({ key }) => key).toSorted()).toEqual(ENDED.toSorted());
  });
});

describe('what a job keeps', () => {
  const first = { podId: 'p1', promptId: 'prompt-1', sentAt: 5 };

  it('a prompt that may have arrived keeps its id, one that ComfyUI had and lost gets another', () => {
    const again = step('preparing', ending('prepareJob', 'done'), { submissions: [first] });
    expect(again.context.submissions).toEqual([first]);
    const lost = step('reconciling', ending('lookForPrompt', 'lost'), { submissions: [first] });
    const after = step('preparing', ending('prepareJob', 'done'), lost.context);
    expect(after.context.submissions.map(({ promptId, sentAt }) => [promptId, sentAt])).toEqual([
      ['prompt-1', 5],
      ['prompt-2', null],
    ]);
  });

  it('a prompt that never left another pod leaves no trace', () => {
    const unsent = { podId: 'p0', promptId: 'prompt-0', sentAt: null };
    const { context } = step('preparing', ending('prepareJob', 'done'), { submissions: [unsent] });
    expect(context.submissions).toEqual([{ podId: 'p1', promptId: 'prompt-2', sentAt: null }]);
  });

  it('that it is being sent, before it is', () => {
    const unsent = { podId: 'p1', promptId: 'prompt-2', sentAt: null };
    const { state, context } = step('uploading', ending('uploadInputs', 'done'), { submissions: [unsent] });
    expect([state, context.submissions, context.uploaded]).toEqual([
      'submitting',
      [{ ...unsent, sentAt: 77 }],
      ['autopod-1.png'],
    ]);
  });

  it('what it made, how long that took, and what that cost', () => {
    const { context } = step('running', ending('awaitEnd', 'made'));
    expect(context).toMatchObject({ ...ran, usd: 0.001, failure: null });
    expect(context.outputs).toHaveLength(2);
    expect(context.submissions.at(-1)?.isTaken).toBe(true);
  });

  it('the files of a submission that was lost, which are not made to come again', () => {
    const outputs = [output(0, '/tmp/a_0.png'), output(1)];
    const lost = step('downloading', ending('fetchFiles', 'gone'), { outputs });
    expect([lost.context.outputs, lost.context.kept]).toEqual([null, [outputs[0]]]);
    const again = step('running', ending('awaitEnd', 'made'), lost.context);
    expect(again.context.outputs?.map(({ path }) => path)).toEqual(['/tmp/a_0.png', null]);
  });

  it('that it was lost too often, as by a ComfyUI that dies of it', () => {
    const submissions = Array.from({ length: 4 }, () => ({ ...first, isTaken: true }));
    const { state, context } = step('reconciling', ending('lookForPrompt', 'lost'), { submissions });
    expect([state, context.failure]).toEqual([
      'failed',
      { code: 'promptLost', detail: { podId: 'p1', times: 4 } },
    ]);
    expect(step('downloading', ending('fetchFiles', 'gone'), { submissions }).state).toBe('failed');
  });

  it('why ComfyUI failed, after the files made before are here', () => {
    const run = step('running', ending('awaitEnd', 'failed'));
    const end = step('downloading', ending('fetchFiles', 'done'), run.context);
    expect([end.state, end.context.failure]).toEqual(['failed', promptFailed]);
  });

  it('no word of what belongs to one run of the machine only', () => {
    expect(jobFactsOf(on({ uploaded: ['a'] }))).not.toHaveProperty('uploaded');
  });
});

type World = 'unknown' | 'pending' | 'running' | 'done' | 'failed';

/** The machine joined to a world that is one variable: where ComfyUI has the prompts. */
function worldOf(begin: World) {
  const prompts = new Map<string, World>([['prompt-1', begin]]);
  let runs = begin === 'unknown' ? 0 : 1;
  const look = ({ submissions, asked, podId }: JobFacts): Found => {
    const last = submissions.at(-1);
    if (asked === 'cancel') return FOUND.cancelled;
    if (podId === null) return FOUND.nowhere;
    if (!last || last.sentAt === null) return FOUND.notSent;
    if (last.podId !== podId) return FOUND.lost;
    switch (prompts.get(last.promptId) ?? 'unknown') {
      case 'unknown':
        return last.isTaken ? FOUND.lost : FOUND.notSent;
      case 'pending':
        return FOUND.pending;
      case 'running':
        return FOUND.running;
      case 'failed':
        return FOUND.failed;
      default:
        return FOUND.made;
    }
  };
  const moveOn = (facts: JobFacts) => {
    const { promptId = '' } = facts.submissions.at(-1) ?? {};
    const next: Partial<Record<World, World>> = { pending: 'running', running: 'done' };
    const now = prompts.get(promptId) ?? 'unknown';
    prompts.set(promptId, next[now] ?? now);
    return look(facts);
  };
  const machine = jobMachine.provide({
    actors: {
      lookForPrompt: fromPromise(async ({ input }): Promise<Found> => look(input)),
      awaitReach: fromPromise(() => new Promise<void>(() => undefined)),
      prepareJob: fromPromise(async (): Promise<Prepared> => ({ promptId: 'prompt-2', ranOn })),
      uploadInputs: fromPromise(async (): Promise<{ names: string[]; at: number }> => ({ names: [], at: 9 })),
      submitPrompt: fromPromise(async ({ input }): Promise<Submitted> => {
        const { promptId = '' } = input.facts.submissions.at(-1) ?? {};
        if ((prompts.get(promptId) ?? 'unknown') === 'unknown') {
          prompts.set(promptId, 'pending');
          runs += 1;
        }
        return { kind: 'taken' };
      }),
      awaitTurn: fromPromise(async ({ input }) => moveOn(input)),
      awaitEnd: fromPromise(async ({ input }) => moveOn(input)),
      fetchFiles: fromPromise(async (): Promise<void> => undefined),
    },
  });
  return { machine, runs: () => runs };
}

const END: Record<World, JobState> = {
  unknown: 'done',
  pending: 'done',
  running: 'done',
  done: 'done',
  failed: 'failed',
};

describe('every state of a job, saved and restored', () => {
  for (const state of states.filter((name) => !ENDED.includes(name))) {
    for (const world of Object.keys(END) as World[]) {
      it(`${state}: with ComfyUI at ${world} it ends ${END[world]}, run once`, async () => {
        const { machine, runs } = worldOf(world);
        // What is saved in a state is where an event has just led.
        const { context } = step(
          state,
          { type: 'nothing' },
          { outputs: state === 'downloading' ? [output(0)] : null },
        );
        const facts = JSON.parse(JSON.stringify(jobFactsOf(context))) as JobFacts;
        const actor = createActor(machine, { input: { facts } });
        actor.start();
        const rested = await waitFor(actor, ({ status }) => status === 'done');
        expect([rested.value, runs()]).toEqual([END[world], 1]);
      });
    }
  }

  it('that was to be taken back ends cancelled, and one without a pod waits for one', async () => {
    const { machine } = worldOf('pending');
    const cancelled = createActor(machine, { input: { facts: jobFacts({ asked: 'cancel' }) } }).start();
    expect((await waitFor(cancelled, ({ status }) => status === 'done')).value).toBe('cancelled');
    const waiting = createActor(machine, { input: { facts: jobFacts() } }).start();
    await waitFor(waiting, ({ value }) => value === 'waitingForPod');
    waiting.send({ type: 'pod.given', podId: 'p1' });
    expect((await waitFor(waiting, ({ status }) => status === 'done')).value).toBe('done');
  });
});

describe('what ComfyUI takes a job without', () => {
  it('is kept with the job, and forgotten where it is handed over anew', () => {
    const dropped = ['node 10 “Save”: Value not in list'];
    const begun = jobMachine.resolveState({
      value: 'submitting',
      context: {
        ...jobFacts({ podId: 'p1', submissions: [{ podId: 'p1', promptId: 'a', sentAt: 1 }] }),
        uploaded: [],
      },
    });
    const [queued] = transition(jobMachine, begun, {
      type: 'xstate.done.actor.submitPrompt',
      actorId: 'submitPrompt',
      output: { kind: 'taken', dropped },
    } as never);
    expect([queued.value, jobFactsOf(queued.context).dropped]).toEqual(['queued', dropped]);
    const looking = jobMachine.resolveState({ value: 'reconciling', context: queued.context });
    const [anew] = transition(jobMachine, looking, {
      type: 'xstate.done.actor.lookForPrompt',
      actorId: 'lookForPrompt',
      output: { kind: 'lost' },
    } as never);
    expect([anew.value, jobFactsOf(anew.context).dropped]).toEqual(['preparing', []]);
  });
});
