import { describe, expect, it } from 'vitest';
import { PacedRunPod } from '../../src/keeper/locate.ts';

describe('the pace at which RunPod is asked', () => {
  it('lets some questions through at once and then keeps far below 60 a minute, whoever asks', async () => {
    const paced = new PacedRunPod({ apiUrl: 'http://127.0.0.1:9', apiKey: 'k' });
    const over = AbortSignal.timeout(3_200);
    let turns = 0;
    const askers = Array.from({ length: 20 }, async () => {
      for (;;) {
        await paced.turn(over);
        turns += 1;
      }
    });
    await Promise.allSettled(askers);
    expect(turns).toBeGreaterThanOrEqual(8);
    expect(turns).toBeLessThanOrEqual(8 + 3);
  });
});
