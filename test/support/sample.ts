/**
 * Of a table whose rows take seconds each, the first so many; all of them with AUTOPOD_TEST_ALL=1, as `npm run test:all` has it.
 * What a row is about belongs into the first ones, variations of it after them.
 */
export function sample<T extends [unknown, ...unknown[]]>(most: number, rows: T[]): T[];
export function sample<T>(most: number, rows: readonly T[]): T[];
export function sample<T>(most: number, rows: readonly T[]): T[] {
  return process.env.AUTOPOD_TEST_ALL ? [...rows] : rows.slice(0, most);
}
