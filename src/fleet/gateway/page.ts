import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { HEADERS } from '../../inspector/guard.ts';
import { PAGE_TYPES, pageFolder } from '../../inspector/page-folder.ts';

/** Of the inspector's folder, what is its own page. */
const NOT_OURS = ['index.html', 'inspector.js'];

/**
 * Answers what the fleet's page is made of: the same for everybody, with nothing of the fleet in it. False where something
 * else is asked for.
 */
export function answerPage({ method, url }: IncomingMessage, response: ServerResponse): boolean {
  if (method !== 'GET') return false;
  if (url === '/') {
    response.writeHead(302, { ...HEADERS, location: '/page/fleet.html', 'content-length': 0 }).end();
    return true;
  }
  const [, name = '', extension = ''] = /^\/page\/([a-z-]+\.(html|css|js|json|svg))$/.exec(url ?? '') ?? [];
  const type = PAGE_TYPES[extension];
  if (!type || NOT_OURS.includes(name)) return false;
  void readFile(join(pageFolder(), name)).then(
    (body) =>
      response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': body.length }).end(body),
    () => response.writeHead(404, { ...HEADERS, 'content-length': 0, connection: 'close' }).end(),
  );
  return true;
}
