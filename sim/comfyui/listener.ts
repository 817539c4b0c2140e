import { once } from 'node:events';
import net from 'node:net';
import type { ComfyUi } from './comfyui.ts';

/** Where to listen: a loopback port, or a Unix socket that reaches across network namespaces. */
export type ListenAddress = { port: number } | { path: string };

/** Lets a ComfyUI be reached without ssh, for a real sshd elsewhere to forward to. */
export async function listenFor(comfyui: ComfyUi, address: ListenAddress): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    const stream = comfyui.connect();
    if (!stream) {
      socket.destroy();
      return;
    }
    stream.on('error', () => {}).once('close', () => socket.destroy());
    socket.once('close', () => stream.destroy());
    socket.pipe(stream).pipe(socket);
  });
  server.listen('path' in address ? address : { ...address, host: '127.0.0.1' });
  await once(server, 'listening');
  return server;
}
