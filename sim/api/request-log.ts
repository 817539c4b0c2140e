/** One request that reached the API. `status` is null until, and unless, an answer goes out. */
export interface LoggedRequest {
  at: string;
  method: string;
  path: string;
  operationId: string | null;
  status: number | null;
  fault?: string;
}

/** Every request since the simulator started. */
export class RequestLog {
  readonly entries: LoggedRequest[] = [];

  add(method: string, path: string, operationId: string | null): LoggedRequest {
    const entry: LoggedRequest = { at: new Date().toISOString(), method, path, operationId, status: null };
    this.entries.push(entry);
    return entry;
  }

  /** How many requests each operation has had. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { operationId } of this.entries) {
      const key = operationId ?? 'unknown';
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }
}
