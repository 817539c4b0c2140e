import { askRestate, type Places } from './ask.ts';

/** A worker as the engine knows it: what was begun there goes on there. */
export interface Deployment {
  id: string;
  /** Where it is called, with the version it has. */
  uri: string;
  /** Calls that were begun there and have not ended. */
  calls: number;
}

const CALLS =
  "SELECT pinned_deployment_id AS id, count(*) AS calls FROM sys_invocation WHERE status <> 'completed' AND pinned_deployment_id IS NOT NULL GROUP BY pinned_deployment_id";
const ANSWER_MS = 5_000;

/** Throws `engineUnreachable`. */
export async function deployments({ admin }: Pick<Places, 'admin'>): Promise<Deployment[]> {
  const { deployments: known } = await askRestate<{ deployments: { id: string; uri?: string }[] }>(
    admin,
    'deployments',
    { method: 'GET', timeoutMs: ANSWER_MS },
  );
  const { rows } = await query<{ id: string; calls: number }>(admin, CALLS);
  const calls = new Map(rows.map((row) => [row.id, row.calls]));
  return known.flatMap(({ id, uri }) =>
    uri === undefined ? [] : { id, uri: bare(uri), calls: calls.get(id) ?? 0 },
  );
}

/** The same without the slash that the engine adds. */
export function bare(uri: string): string {
  return uri.replace(/\/$/, '');
}

/** Has the engine know of a worker, which gets all that is begun from now on. */
export async function register({ admin }: Pick<Places, 'admin'>, uri: string): Promise<void> {
  await askRestate(admin, 'deployments', { json: { uri, force: true } });
}

/** Has it forget one that has nothing to do. */
export async function unregister({ admin }: Pick<Places, 'admin'>, id: string): Promise<void> {
  await askRestate(admin, `deployments/${id}?force=true`, { method: 'DELETE', timeoutMs: ANSWER_MS });
}

/**
 * Has what was begun at a worker that is no more go on at the latest one, from what is kept of it. Asked again until
 * nothing is left there: a call is paused first, which takes a moment.
 */
export async function moveCalls({ admin }: Pick<Places, 'admin'>, deploymentId: string): Promise<void> {
  const { rows } = await query<{ id: string; status: string }>(
    admin,
    `SELECT id, status FROM sys_invocation WHERE status <> 'completed' AND pinned_deployment_id = '${deploymentId}'`,
  );
  for (const { id, status } of rows) {
    const path = status === 'paused' ? `${id}/resume?deployment=latest` : `${id}/pause`;
    // What has ended meanwhile, or is not yet to be paused, is looked at the next time.
    const asking = { method: 'PATCH', timeoutMs: ANSWER_MS } as const;
    await askRestate(admin, `invocations/${path}`, asking).catch(() => undefined);
  }
}

/**
 * Has calls of these objects go on that the engine has paused, as it tries nothing more often than it is set to. Those of
 * workers that are no more stay: `moveCalls` is about them. The answer is how many there were.
 */
export async function resumePaused(
  { admin }: Pick<Places, 'admin'>,
  objects: string[],
  ownUri: string,
): Promise<number> {
  const names = objects.map((name) => `'${name}'`).join(', ');
  const { rows } = await query<{ id: string; pinned: string | null }>(
    admin,
    `SELECT id, pinned_deployment_id AS pinned FROM sys_invocation WHERE status = 'paused' AND target_service_name IN (${names})`,
  );
  if (rows.length === 0) return 0;
  const own = (await deployments({ admin })).find(({ uri }) => uri === ownUri)?.id;
  const ours = rows.filter(({ pinned }) => pinned === null || pinned === own);
  for (const { id } of ours) {
    const asking = { method: 'PATCH', timeoutMs: ANSWER_MS } as const;
    // What goes on meanwhile need not be told to.
    await askRestate(admin, `invocations/${id}/resume`, asking).catch(() => undefined);
  }
  return ours.length;
}

function query<Row>(admin: Places['admin'], text: string): Promise<{ rows: Row[] }> {
  return askRestate(admin, 'query', { json: { query: text }, timeoutMs: ANSWER_MS });
}
