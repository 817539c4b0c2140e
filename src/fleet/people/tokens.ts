import { createHash, randomBytes } from 'node:crypto';

/** A secret of 256 random bits, with a head by which people and scanners know what it is. */
export function makeSecret(kind: keyof typeof HEADS): string {
  return `${HEADS[kind]}${randomBytes(32).toString('base64url')}`;
}

const HEADS = { token: 'apt_', invite: 'api_', code: 'apc_' };

/** What is kept of a secret. It is random and long, so that one round of SHA-256 cannot be gone through backwards. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
