import type { Socket } from 'node:net';

/** Milliseconds given to a held client to have sent its request. */
const READ_MS = 500;

/**
 * Answers a held HTTP request with an honest 503: the tunnel's state and what to do, as a page or as JSON.
 * What is not HTTP is closed.
 */
export function refuseHttp(
  socket: Socket,
  sent: Buffer,
  { state, advice }: { state: string; advice: string },
): void {
  let head = sent.toString('latin1');
  const finish = () => {
    clearTimeout(timer);
    if (!/^[A-Z]+ \S+ HTTP\/1\./.test(head)) return void socket.destroy();
    const isJson = /^accept:.*json/im.test(head) && !/^accept:.*html/im.test(head);
    const body = isJson
      ? JSON.stringify({ error: { code: 'tunnelNotReady', state, hint: advice } })
      : page(state, advice);
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

function page(state: string, advice: string): string {
  const safe = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>autopod: ${safe(state)}</title><body style="font:16px system-ui;max-width:36em;margin:4em auto;padding:0 1em"><h1>ComfyUI is not reachable right now</h1><p>The tunnel is <b>${safe(state)}</b>.</p><p>${safe(advice)}</p><p>This page tries again by itself.</p>`;
}
