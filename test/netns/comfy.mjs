// A ComfyUI for a network namespace: answers /system_stats, sends and takes bytes, echoes over a WebSocket. Of `/view`
// it has every file whose name begins with its size, as in 20000000_1.png.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const stats = {
  system: { os: 'linux', comfyui_version: '0.33.0', argv: [] },
  devices: [{ name: 'cuda:0', type: 'cuda', index: 0, vram_total: 48e9, vram_free: 47e9 }],
};

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/bytes' || url.pathname === '/view') {
    let left = Number(
      url.searchParams.get('n') ?? Number.parseInt(url.searchParams.get('filename') ?? '', 10),
    );
    response.writeHead(200, { 'content-length': left, etag: `"${left}"` });
    const chunk = Buffer.alloc(1 << 20);
    const send = () => {
      while (left > 0) {
        const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
        left -= part.length;
        if (!response.write(part)) return response.once('drain', send);
      }
      response.end();
    };
    return send();
  }
  let taken = 0;
  request.on('data', (chunk) => {
    taken += chunk.length;
  });
  request.on('end', () => {
    const queue = { exec_info: { queue_remaining: 0 }, queue_running: [], queue_pending: [] };
    const answer = ['/prompt', '/queue'].includes(url.pathname) ? queue : { ...stats, taken };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
});

new WebSocketServer({ server, path: '/ws' }).on('connection', (socket) => {
  socket.on('message', (message) => socket.send(message));
});
server.listen(8188, '127.0.0.1', () => process.stdout.write('listening\n'));
