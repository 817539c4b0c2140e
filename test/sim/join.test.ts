import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { generateHostKey } from '../../sim/ssh/host-key.ts';
import { Sshd } from '../../sim/ssh/sshd.ts';
import { forward, generateKey, scratchDirectory } from './support/ssh.ts';

it('passes the end of the client on, and still takes what the service says after it', async () => {
  const { client, service } = await forwarded();
  client.end('question');
  const question = await everything(service);
  service.end(`answer to ${question}`);
  expect(await everything(client)).toBe('answer to question');
});

it('passes the end of the service on, and still takes what the client says after it', async () => {
  const { client, service } = await forwarded();
  client.write('hello');
  service.end('goodbye');
  expect(await everything(client)).toBe('goodbye');
  client.end(' and more');
  expect(await everything(service)).toBe('hello and more');
});

it('loses nothing of a large answer that ends at once', async () => {
  const { client, service } = await forwarded();
  service.end(Buffer.alloc(12_000_000, 'x'));
  expect((await everything(client)).length).toBe(12_000_000);
});

it('tells the client when the service is gone, and the service when the client is', async () => {
  const { client, service } = await forwarded();
  service.destroy();
  await once(client.resume(), 'end');

  const second = await forwarded();
  second.client.destroy();
  await once(second.service.resume(), 'end');
});

/** A service on port 8188 of a pod that is only an sshd, and a connection to it through a real ssh. */
async function forwarded(): Promise<{ client: net.Socket; service: Duplex }> {
  const directory = scratchDirectory();
  const key = generateKey(directory);
  const connections = new EventEmitter<{ connection: [Duplex] }>();
  const connection = once(connections, 'connection');
  const sshd = new Sshd({
    publicKeys: () => key.publicKey,
    connectComfyUi: () => {
      const [ours, theirs] = duplexPair();
      connections.emit('connection', ours);
      theirs.once('close', () => ours.destroy());
      ours.once('close', () => theirs.destroy());
      return theirs;
    },
    hostKey: generateHostKey,
    machine: () => ({
      podId: 'pod',
      gpu: { id: 'none', count: 0 },
      gpuMemory: 0,
      comfyLogFile: null,
      env: {},
      shell: { manner: 'plain', delayMs: 0 },
      use: { shells: 0, copies: 0, ticks: 0, bytes: 0, gpu: 0 },
    }),
  });
  await sshd.prepare();
  await sshd.listen();
  onTestFinished(() => sshd.stop());
  const socketPath = await forward({ directory, keyFile: key.file, port: sshd.port });
  const client = net.connect({ path: socketPath, allowHalfOpen: true }).on('error', () => {});
  onTestFinished(() => void client.destroy());
  const [service] = (await connection) as [Duplex];
  return { client, service: service.on('error', () => {}) };
}

/** All that comes until the other side ends its half; ours stays open. */
async function everything(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}
