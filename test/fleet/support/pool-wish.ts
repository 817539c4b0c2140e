import type { PoolWish } from '../../../src/fleet/pools/pool-types.ts';

/** A pool of Ann's, as she asked for it. */
export const WISH: PoolWish = {
  name: 'art',
  owner: 'ann',
  min: 0,
  max: 4,
  idleMs: 60_000,
  patienceMs: 120_000,
  pod: {} as PoolWish['pod'],
};
