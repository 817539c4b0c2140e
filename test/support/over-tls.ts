import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { TestWorld } from './world.ts';

export const HAS_OPENSSL = hasOpenssl();

/** A key and a certificate of this machine's loopback that nobody knows, in files of a folder. */
export function selfSigned(folder: string): { key: string; certificate: string } {
  const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.pem')];
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
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  return { key, certificate };
}

/** The simulator's API behind such a certificate. */
export async function overTls({ home, simulator }: TestWorld) {
  const { key, certificate } = selfSigned(home);
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
