import { Problem } from './answer.ts';

const MOST = 1000;

/** What a list can be cut by: newer things have a later time, or a higher number at the same time. */
export interface Dated {
  createdAt: Date;
  /** The order in which things were made. */
  serial: number;
}

interface PageQuery {
  cursor?: string;
  limit?: number;
}

interface Page<T> {
  items: T[];
  pagination: { nextCursor: string | null; hasNextPage: boolean };
}

/**
 * One page of a list, newest first. A cursor names the last thing that was seen, so what is made meanwhile is on
 * no later page, and what vanishes shifts nothing. `most` is the server's own limit.
 * @throws Problem 422 for a cursor that another operation, or other parameters, issued
 */
export function pageOf<T extends Dated>(
  things: readonly T[],
  operationId: string,
  { cursor, limit = MOST, ...parameters }: PageQuery & Record<string, unknown>,
  most = MOST,
): Page<T> {
  const issuer = JSON.stringify([operationId, limit, parameters]);
  const last = cursor === undefined ? undefined : readCursor(cursor, issuer);
  const left = things
    .filter((thing) => last === undefined || isNewer(last, positionOf(thing)))
    .toSorted((a, b) => (isNewer(positionOf(a), positionOf(b)) ? -1 : 1));
  const items = left.slice(0, Math.min(limit, most));
  const end = items.at(-1);
  const hasNextPage = left.length > items.length;
  const nextCursor = hasNextPage && end ? writeCursor(positionOf(end), issuer) : null;
  return { items, pagination: { nextCursor, hasNextPage } };
}

type Position = [time: number, serial: number];

function positionOf({ createdAt, serial }: Dated): Position {
  return [createdAt.getTime(), serial];
}

function isNewer(a: Position, b: Position): boolean {
  return a[0] === b[0] ? a[1] > b[1] : a[0] > b[0];
}

function writeCursor(position: Position, issuer: string): string {
  return Buffer.from(JSON.stringify([position, issuer])).toString('base64url');
}

function readCursor(cursor: string, issuer: string): Position {
  const [position, issuedFor] = parse(cursor);
  if (issuedFor !== issuer || !position) {
    throw new Problem(422, 'Request validation failed.', {
      errors: ['cursor: malformed, or issued by another operation or other parameters'],
    });
  }
  return position;
}

function parse(cursor: string): [Position?, string?] {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(read) ? (read as [Position, string]) : [];
  } catch {
    return []; // not one of ours
  }
}
