import { randomBytes } from 'node:crypto';
import type { Pod } from './shapes.ts';

/** Environment variable of a pod with which it proves that it is the one a launch made. */
export const POD_SECRET_ENV = 'AUTOPOD_POD_SECRET';

const SECRET = /^[0-9a-f]{64}$/;

/** 32 random bytes as hex. They are kept nowhere but in the pod's environment, from which RunPod tells them again. */
export function makePodSecret(): string {
  return randomBytes(32).toString('hex');
}

/** What the pod was given to prove itself with; null for one that was given nothing. */
export function podSecretOf({ env }: Pod): string | null {
  const secret: unknown = env?.[POD_SECRET_ENV];
  return typeof secret === 'string' && SECRET.test(secret) ? secret : null;
}
