import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { TestWorld } from './world.ts';

export const HAS_OPENSSL = hasOpenssl();

/** The simulator's API behind a certificate that nobody knows. */
export async function overTls({ home, simulator }: TestWorld) {
  const [key, certificate] = [join(home, 'tls.key'), join(home, 'tls.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    certificate,
  ];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  const { port } = new URL(simulator.url);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (inward) => {
    const outward = connect(Number(port), '127.0.0.1');
    inward.pipe(outward).pipe(inward);
    inward.on('error', () => outward.destroy());
    outward.on('error', () => inward.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  return { url, certificate, close: () => void server.close() };
}

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
