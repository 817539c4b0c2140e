import { generateKeyPairSync, randomBytes } from 'node:crypto';

const TYPE = 'ssh-ed25519';
const BLOCK_BYTES = 8;
const LINE_LENGTH = 70;

/** RFC 8410: the key itself is the end of either encoding. */
const KEY_BYTES = 32;

/**
 * A fresh Ed25519 host key in OpenSSH's format. ssh2's own generator now and then writes one that ssh2 itself
 * cannot read. It is asked for encoded: exporting a key object can lock up Node for good, when the garbage
 * collector ends the job that made the key while the export holds the key's mutex.
 */
export function generateHostKey(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  const secret = privateKey.subarray(-KEY_BYTES);
  const point = publicKey.subarray(-KEY_BYTES);
  const check = randomBytes(4);
  const inner = Buffer.concat([
    check,
    check,
    field(TYPE),
    field(point),
    field(Buffer.concat([secret, point])),
    field(''),
  ]);
  const padding = Array.from({ length: -inner.length & (BLOCK_BYTES - 1) }, (_, index) => index + 1);
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([field(TYPE), field(point)])),
    field(Buffer.concat([inner, Buffer.from(padding)])),
  ]);
  const lines = blob.toString('base64').match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
