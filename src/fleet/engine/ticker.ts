import { UNTIL_DONE } from './again.ts';
import { callObject, type Places } from './ask.ts';
import { handlers, type ObjectContext, object } from './sdk.ts';

/** What a look at something has come to. */
export interface Tick {
  /** Milliseconds until the next one; null where there is nothing more to look at. */
  nextMs: number | null;
  /** What another object is told for it, once. */
  tells?: { object: string; key: string; handler: string; json: unknown } | undefined;
}

export interface Ticking {
  /** Of the virtual object. */
  name: string;
  /** Looks once; it may be cut off and done again. */
  tick: (key: string) => Promise<Tick>;
  /** Milliseconds after which it is tried again where it has failed. */
  againMs: number;
}

/** Looks again and again at what a key stands for, through restarts of everything, until there is nothing more to look at. */
export function tickingObject({ name, tick, againMs }: Ticking) {
  const later = (ctx: ObjectContext, generation: number, delay: number) =>
    ctx.genericSend({
      service: name,
      method: 'tick',
      key: ctx.key,
      parameter: generation,
      delay,
      inputSerde: JSON_SERDE,
    });
  return object({
    name,
    handlers: {
      /** Looks from now on; one look after the other, however often this is asked for. */
      begin: async (ctx: ObjectContext): Promise<void> => {
        const generation = ((await ctx.get<number>(GENERATION)) ?? 0) + 1;
        ctx.set(GENERATION, generation);
        later(ctx, generation, 0);
      },
      tick: handlers.object.exclusive(
        { ingressPrivate: true },
        async (ctx: ObjectContext, generation: number): Promise<void> => {
          if ((await ctx.get<number>(GENERATION)) !== generation) return;
          const { nextMs, tells } = await ctx.run<Tick>('look', () =>
            tick(ctx.key).catch(() => ({ nextMs: againMs })),
          );
          if (tells) {
            const { object: service, key, handler: method, json: parameter } = tells;
            ctx.genericSend({ service, method, key, parameter, inputSerde: JSON_SERDE });
          }
          if (nextMs !== null) later(ctx, generation, nextMs);
        },
      ),
    },
    options: {
      idempotencyRetention: { seconds: 1 },
      journalRetention: { seconds: 1 },
      retryPolicy: UNTIL_DONE,
    },
  });
}

/** Has a key of such an object looked at from now on. */
export function beginTicking(places: Places, name: string, key: string): Promise<void> {
  return callObject(places, { object: name, key, handler: 'begin' }, undefined);
}

const GENERATION = 'generation';
const JSON_SERDE = {
  contentType: 'application/json',
  serialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString()),
};
