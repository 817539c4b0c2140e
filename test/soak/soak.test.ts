import { describe, expect, it } from 'vitest';
import { CAN_NETNS } from '../netns/pod-host.ts';
import { soak } from './soak.ts';

describe.runIf(CAN_NETNS)('requests and a WebSocket through random faults', () => {
  it('none is refused, and the keeper does not grow', async () => {
    const result = await soak({ faults: 8, seed: 11, tell: () => undefined });
    expect(result.probes.refused).toBe(0);
    expect(result.probes.answered).toBeGreaterThan(100);
    expect(result.echoes).toBeGreaterThan(20);
    expect(result.sshLeft).toBeLessThanOrEqual(2);
    expect(result.descriptorGrowth).toBeLessThanOrEqual(4);
    expect(result.residentGrowthMiB).toBeLessThan(60);
  });
});
