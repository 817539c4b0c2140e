import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { AutopodError } from '../../errors.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { withLock } from '../../store/lock.ts';
import type { FleetHome } from '../home.ts';

const usd = z.number().positive();
const allowance = z.strictObject({
  maxPods: z.number().int().positive().optional(),
  maxPerHour: usd.optional(),
  maxPerDay: usd.optional(),
});
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

const shape = z.strictObject({
  /** Of each person who has none of their own. */
  everybody: allowance,
  people: z.record(z.string(), allowance),
  teams: z.record(z.string(), allowance.extend({ members: z.array(z.string()) })),
  /** Milliseconds for which nothing was asked of a pod, after which it is stopped. */
  idleMs: z.number().int().positive().nullable(),
  /** Between these times of day no pod is started, and those that run are stopped once they have no job. */
  quiet: z.strictObject({ from: time, until: time, zone: z.string() }).nullable(),
});

/** What one person, or the members of a team together, may run at a time and spend. USD. */
export type Allowance = z.infer<typeof allowance>;
export type Quiet = NonNullable<z.infer<typeof shape>['quiet']>;
/** What the pods of a fleet may cost, beside the limits of the whole account, and when they are stopped by themselves. */
export type Policy = z.infer<typeof shape>;

export const NO_POLICY: Policy = { everybody: {}, people: {}, teams: {}, idleMs: null, quiet: null };

/** The policy of a fleet, in a file of the server's user. Each question reads it anew. */
export class Policies {
  readonly #path: string;
  readonly #lock: string;

  constructor({ policy, locks }: Pick<FleetHome, 'policy' | 'locks'>) {
    this.#path = policy;
    this.#lock = join(locks, 'policy');
  }

  /** Throws `configMalformed` rather than go on without limits. */
  async read(): Promise<Policy> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new AutopodError('stateUnreadable', { file: this.#path, reason: error.message });
    });
    if (text === undefined) return NO_POLICY;
    try {
      return shape.parse(JSON.parse(text));
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new AutopodError('configMalformed', { file: this.#path, reason });
    }
  }

  async change(by: (policy: Policy) => Policy, signal: AbortSignal): Promise<Policy> {
    return withLock(this.#lock, { signal }, async () => {
      const policy = shape.parse(by(await this.read()));
      await writeFileAtomic(this.#path, `${JSON.stringify(policy, null, 2)}\n`);
      return policy;
    });
  }
}
