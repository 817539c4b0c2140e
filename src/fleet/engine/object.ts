import type { EventObject } from 'xstate';
import { AutopodError, type Failure, toFailure } from '../../errors.ts';
import { begin, type Step, step, type Work, workDone, workFailed } from '../../host/step.ts';
import { Turns } from '../../turns.ts';
import { UNTIL_DONE } from './again.ts';
import type {
  Answer,
  Asker,
  AskRequest,
  BeginRequest,
  Durable,
  ScheduleRequest,
  Standing,
  Task,
} from './durable.ts';
import { performed, type Result } from './perform.ts';
import {
  CancelledError,
  handlers,
  InvocationIdParser,
  type ObjectContext,
  type ObjectSharedContext,
  object,
  TerminalError,
} from './sdk.ts';
import { send } from './send.ts';

interface Settled {
  task: Task;
  result: Result;
}

/** How a step was kept: why not, and when that was. */
interface Kept {
  halted: Failure | null;
  at: number;
}

interface Told {
  task: Task;
  event: EventObject;
}

/** The name under which a key keeps what it has come to. */
const STANDING = 'standing';

/** Milliseconds between two tries to keep a state, at most; a disk is full for as long as it is. */
const KEEP_AGAIN_MS = 5_000;
/** Tries while somebody waits for the answer: within what a call may take. */
const AWAITED_TRIES = 8;

/**
 * A machine as virtual object of Restate: one key is one run of it. Its handlers are short and take one event after the
 * other; what takes time is `work`, beside them. `tell` is how work speaks to its machine meanwhile, `ends` is aborted
 * when this worker leaves.
 */
export function durableObject<Context>(
  durable: Durable<Context>,
  { tell, ends }: { tell: (key: string, told: Told) => Promise<void>; ends: AbortSignal },
) {
  const { name, machine, works, keep, ringing, tells, isForgotten, keepAgainMs = KEEP_AGAIN_MS } = durable;
  type Keyed = ObjectContext;
  // The engine may begin a step again while one that it has given up still goes on.
  const kept = new Turns();

  /**
   * Keeps where a step led, ends the work it is past, begins what belongs to it. As long as it cannot be kept, it is tried
   * again, and what comes next waits; only whoever waits for an answer is refused after a while, and then nothing has changed.
   */
  const take = async (
    ctx: Keyed,
    before: Standing<Context> | null,
    taken: Step<Context>,
    asker: Asker,
    isAwaited = false,
  ): Promise<Answer<Context>> => {
    const [only, ...others] = taken.begun;
    const known = others.length === 0 && only ? works[only.src]?.known?.(only.input as never) : undefined;
    const keeping = async (): Promise<Kept> => {
      const halted = await kept
        .take(ctx.key, () => keep(ctx.key, taken, asker, known !== undefined))
        .then(() => null, haltOrRetry);
      return { halted, at: Date.now() };
    };
    const { halted, at: begunAt } = await ctx
      .run('keep', keeping, {
        ...(isAwaited && { maxRetryAttempts: AWAITED_TRIES }),
        maxRetryInterval: keepAgainMs,
      })
      .catch((error: unknown): Kept => ({ halted: failureOfRun(error), at: 0 }));
    if (halted?.code === 'recordUnkept') return { failure: halted };
    const renewed = taken.begun.map(({ id }) => id);
    const atWork = { ...before?.atWork };
    for (const [id, { invocation }] of Object.entries(atWork)) {
      if (!halted && taken.atWork.includes(id) && !renewed.includes(id)) continue;
      delete atWork[id];
      ctx.invocation(InvocationIdParser.fromString(invocation)).cancel();
    }
    if (halted) {
      const standing = before && { ...before, atWork, halted };
      if (standing) ctx.set(STANDING, standing);
      return { failure: halted };
    }
    let turn = before?.turn ?? 0;
    for (const work of known ? [] : taken.begun) {
      turn += 1;
      atWork[work.id] = await start(ctx, { ...(work satisfies Work), turn, begunAt, until: asker.until });
    }
    const { saved, isFinal } = taken;
    const alarm = ringing?.isDone(saved) ? null : (before?.alarm ?? null);
    const standing: Standing<Context> = { saved, isFinal, asker, atWork, turn, alarm };
    if (isFinal && isForgotten) ctx.clear(STANDING);
    else ctx.set(STANDING, standing);
    for (const word of tells?.(ctx.key, taken) ?? []) send(ctx, word);
    if (!known || !only) return { standing };
    const next = stepped(() => step<Context>(machine, saved, workDone(only.id, known(begunAt))));
    return take(ctx, standing, next, asker);
  };

  const start = async (ctx: Keyed, task: Task) => {
    const handle = send(ctx, { object: name, key: ctx.key, handler: 'work', json: task });
    return { turn: task.turn, invocation: (await handle.invocationId) as string };
  };

  const ringLater = (ctx: Keyed, generation: number, delay: number) =>
    send(ctx, { object: name, key: ctx.key, handler: 'rang', json: generation }, delay);

  /** A step that a machine does not take is a bug, which would block the key for good were it tried again. */
  const stepped = (make: () => Step<Context>): Step<Context> => {
    try {
      return make();
    } catch (error) {
      throw new TerminalError(`a step of ${name} failed: ${(error as Error).message}`);
    }
  };

  const current = (ctx: Keyed) => ctx.get<Standing<Context>>(STANDING);

  /** The standing that a task still belongs to. */
  const standingOf = async (ctx: Keyed, { id, turn }: Task) => {
    const standing = await current(ctx);
    return standing?.atWork[id]?.turn === turn ? standing : undefined;
  };

  return object({
    name,
    handlers: {
      /** Begins a run from its facts; one that has begun before is joined as it is. */
      begin: async (ctx: Keyed, { input, asker, isAwaited }: BeginRequest): Promise<Answer<Context>> => {
        const standing = await current(ctx);
        if (standing) return { standing };
        const answer = await take(
          ctx,
          null,
          stepped(() => begin<Context>(machine, input)),
          asker,
          isAwaited,
        );
        return { ...answer, isNew: true };
      },

      /** Takes an event from outside. */
      ask: async (ctx: Keyed, { event, asker, isAwaited }: AskRequest): Promise<Answer<Context>> => {
        const standing = await current(ctx);
        if (!standing) return { failure: { code: 'podNotFound', detail: { podId: ctx.key } } };
        return take(
          ctx,
          standing,
          stepped(() => step<Context>(machine, standing.saved, event)),
          asker,
          isAwaited,
        );
      },

      read: handlers.object.shared(
        async (ctx: ObjectSharedContext): Promise<Standing<Context> | null> =>
          ctx.get<Standing<Context>>(STANDING),
      ),

      /** Takes what work tells while it lasts. */
      told: handlers.object.exclusive(async (ctx: Keyed, { task, event }: Told): Promise<void> => {
        const standing = await standingOf(ctx, task);
        if (!standing) return;
        await take(
          ctx,
          standing,
          stepped(() => step<Context>(machine, standing.saved, event)),
          standing.asker,
        );
      }),

      /** Takes how work ended; of a state that was left it counts no more. */
      settled: handlers.object.exclusive(
        { ingressPrivate: true },
        async (ctx: Keyed, { task, result }: Settled): Promise<void> => {
          const standing = await standingOf(ctx, task);
          if (!standing) return;
          if ('isToGoOn' in result) {
            const atWork = { ...standing.atWork, [task.id]: await start(ctx, task) };
            ctx.set(STANDING, { ...standing, atWork });
            return;
          }
          const { [task.id]: _ended, ...atWork } = standing.atWork;
          const event =
            'failure' in result
              ? workFailed(task.id, new AutopodError(result.failure.code, result.failure.detail))
              : workDone(task.id, result.output);
          const taken = stepped(() => step<Context>(machine, standing.saved, event));
          await take(ctx, { ...standing, atWork }, taken, standing.asker);
        },
      ),

      /** Sets the alarm; the answer is when it rings, null for never. */
      schedule: handlers.object.exclusive(
        async (ctx: Keyed, { at, who, isOnlySooner }: ScheduleRequest): Promise<number | null> => {
          const standing = await current(ctx);
          if (!standing) return null;
          const { alarm } = standing;
          if (isOnlySooner && alarm && at !== null && alarm.at <= at) return alarm.at;
          const now = await ctx.date.now();
          const generation = Math.max(now, (alarm?.generation ?? 0) + 1);
          ctx.set(STANDING, { ...standing, alarm: at === null ? null : { at, generation, who } });
          if (at !== null) ringLater(ctx, generation, Math.max(0, at - now));
          return at;
        },
      ),

      /** Tells the machine what its alarm is for, again and again until that is done. */
      rang: handlers.object.exclusive(
        { ingressPrivate: true },
        async (ctx: Keyed, generation: number): Promise<void> => {
          const standing = await current(ctx);
          if (!ringing || standing?.alarm?.generation !== generation) return;
          const { event, againMs } = ringing;
          const asker = { who: standing.alarm.who, until: (await ctx.date.now()) + againMs };
          await take(
            ctx,
            standing,
            stepped(() => step<Context>(machine, standing.saved, event)),
            asker,
          );
          ringLater(ctx, generation, againMs);
        },
      ),

      /** Does one piece of work, or one box of it. */
      work: handlers.object.shared(
        { ingressPrivate: true, inactivityTimeout: { minutes: 3 }, abortTimeout: { minutes: 10 } },
        async (ctx: ObjectSharedContext, task: Task): Promise<void> => {
          const work = works[task.src];
          if (!work) throw new TerminalError(`no work ${task.src} in ${name}`);
          const left = new AbortController();
          const attempt = AbortSignal.any([left.signal, ends, ctx.request().attemptCompletedSignal]);
          let isFirst = work.whenCutOff === undefined;
          if (work.whenCutOff) {
            await ctx.run('begun', () => {
              isFirst = true;
            });
          }
          const failure = work.whenCutOff ?? null;
          const perform = () =>
            isFirst || !failure
              ? performed(work, task, ctx.key, attempt, (event) => tell(ctx.key, { task, event }))
              : Promise.resolve<Result>({ failure });
          const result = await ctx.run<Result>(task.src, perform).catch((error: unknown) => {
            left.abort(error);
            throw error;
          });
          const settled: Settled = { task, result };
          send(ctx, { object: name, key: ctx.key, handler: 'settled', json: settled });
        },
      ),
    },
    options: {
      idempotencyRetention: { seconds: 1 },
      journalRetention: { seconds: 1 },
      // A worker may be away for long; what it left is taken up by the next one.
      retryPolicy: UNTIL_DONE,
    },
  });
}

function haltOrRetry(error: unknown): Failure {
  if (error instanceof AutopodError) return toFailure(error);
  throw error;
}

/** What the engine gave up to keep; how it ends an attempt is its own. */
function failureOfRun(error: unknown): Failure {
  if (!(error instanceof TerminalError) || error instanceof CancelledError) throw error;
  return { code: 'recordUnkept', detail: { reason: error.message } };
}
