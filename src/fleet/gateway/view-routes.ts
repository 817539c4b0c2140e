import type { LogQuery } from '../../services/runpod/logs.ts';
import { refused } from './http-words.ts';
import { logQuery } from './log-query.ts';
import type { Route } from './route.ts';
import { shaped } from './shapes.ts';

/** What goes on as long as somebody looks. */
export const VIEW_ROUTES: Record<string, Route> = {
  'GET /v1/looks': {
    role: 'viewer',
    run: async ({ views }, { person, token = '' }) => views.looks(person, token),
  },
  /** As RunPod's own. */
  'GET /v2/pods/*/*': {
    role: 'member',
    run: async ({ verbs, views }, { person, token = '', named, verb, query, lastEventId }) => {
      if (verb !== 'logs') throw refused(404, 'there is nothing there');
      const asked = shaped(logQuery, Object.fromEntries(query)) as LogQuery;
      await verbs.podAtRunPod(named);
      return views.logs(person, token, named, from(asked, lastEventId));
    },
  },
};

/** On from the line that was told last. */
function from({ source, ...asked }: LogQuery, lastEventId: string | undefined): LogQuery {
  const place = lastEventId === undefined ? asked : { since: lastEventId };
  return { ...(source && { source }), ...place };
}
