const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
const DURATION = new RegExp(
  `^${Object.keys(UNIT_MS)
    .map((unit) => `(?:(\\d+(?:\\.\\d+)?)${unit})?`)
    .join('')}$`,
);
const LONGEST_MS = 365 * UNIT_MS.d;

/** `90s`, `30m`, `1h30m`, `1d`; in milliseconds. A bare number is refused: one means minutes, another seconds. What is no duration throws, saying why. */
export function parseDuration(value: string): number {
  const counts = DURATION.exec(value)?.slice(1) ?? [];
  const ms = Object.values(UNIT_MS).reduce(
    (sum, unitMs, index) => sum + unitMs * Number(counts[index] ?? 0),
    0,
  );
  if (/^\d+(\.\d+)?$/.test(value)) {
    throw new RangeError(`It needs a unit: ${value}s, ${value}m or ${value}h.`);
  }
  if (ms <= 0) throw new RangeError('It takes a duration such as 90s, 30m, 1h30m or 1d.');
  if (ms > LONGEST_MS) throw new RangeError('It takes at most 365d.');
  return ms;
}
