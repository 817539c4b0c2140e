import type { Socket } from 'node:net';
import { beginsRequest } from './opening.ts';
import type { Explanation } from './tunnel-words.ts';
import { waitingPage } from './waiting-page.ts';

/** Milliseconds given to a client to have sent its request. */
const READ_MS = 500;

/**
 * Answers an HTTP request, or the one that is still to come, with an honest 503: the tunnel's state and what to do, as
 * a page or as JSON. What is not HTTP is closed.
 */
export function refuseHttp(socket: Socket, sent: Buffer, why: Explanation): void {
  let head = sent.toString('latin1');
  const finish = () => {
    clearTimeout(timer);
    if (!beginsRequest(Buffer.from(head, 'latin1'))) return void socket.destroy();
    const isJson = /^accept:.*json/im.test(head) && !/^accept:.*html/im.test(head);
    const body = isJson
      ? JSON.stringify({ error: { code: 'tunnelNotReady', state: why.state, hint: why.advice } })
      : waitingPage(why);
    socket.end(
      [
        'HTTP/1.1 503 Service Unavailable',
        `Content-Type: ${isJson ? 'application/json' : 'text/html; charset=utf-8'}`,
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Retry-After: 5',
        'Cache-Control: no-store',
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    );
  };
  const timer = setTimeout(finish, READ_MS);
  const read = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n') && head.length < 65_536) return;
    socket.off('data', read);
    finish();
  };
  socket.on('data', read);
  socket.resume();
  read(Buffer.alloc(0));
}
