import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The public half of the key with which the server signs its calls, as workers are told it. The private half is made
 * where there is none, in a file of this user alone.
 */
export function serverIdentity(path: string): string {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
  const { x = '' } = createPublicKey(createPrivateKey(readFileSync(path))).export({ format: 'jwk' });
  return `publickeyv1_${base58(Buffer.from(x, 'base64url'))}`;
}

const LETTERS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function base58(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = LETTERS.charAt(Number(number % 58n)) + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return LETTERS.charAt(0).repeat(zeros < 0 ? bytes.length : zeros) + text;
}
