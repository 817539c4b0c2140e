/**
 * How the engine tries again what failed, or what no worker was there for: as often as it takes. A cluster of somebody
 * else's may give calls up after a few tries, and a launch or a job with them; what it will not try as often as it is told
 * to it has to pause, and then it is resumed.
 */
export const UNTIL_DONE = {
  initialInterval: 50,
  exponentiationFactor: 2,
  maxInterval: { seconds: 5 },
  maxAttempts: Number.MAX_SAFE_INTEGER,
  onMaxAttempts: 'pause',
} as const;
