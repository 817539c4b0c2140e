import type { Echo } from '../services/ssh/echo.ts';

/** How it is seen that answers come through an ssh: by a session of it, or by what HTTP through its forward says. */
export type Pulse = Pick<Echo, 'ended' | 'hasEnded' | 'sessions' | 'answers' | 'hold' | 'end'>;

/**
 * Whether who answers has proven to be the pod; `none` for a pod that was given nothing to prove it with, as one that no
 * autopod made.
 */
export type Proof = 'proven' | 'unproven' | 'none';
