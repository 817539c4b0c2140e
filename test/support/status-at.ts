import { request } from 'node:http';

/**
 * HTTP status of an answer at a local port, asked as a browser would: it waits as long as the tunnel lets it, here at
 * most `withinMs`. On a connection of its own: one kept alive may be closed at the moment it is used again.
 */
export function statusAt(port: number | string, path = '/system_stats', withinMs = 25_000): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, agent: false, signal: AbortSignal.timeout(withinMs) },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', reject);
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}
