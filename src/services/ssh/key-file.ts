import { readFile } from 'node:fs/promises';

/** The public half of a private key, as far as files tell it without a passphrase: `KEY.pub`, or the key itself. */
export async function publicHalf(path: string): Promise<string | undefined> {
  const isPublic = path.endsWith('.pub');
  const beside = await readText(isPublic ? path : `${path}.pub`);
  if (beside !== undefined) return beside.trim();
  return isPublic ? undefined : publicPartOf((await readText(path)) ?? '');
}

const MAGIC = 'openssh-key-v1\0';

/** OpenSSH's own format keeps the public key in clear beside the private one, whether or not that has a passphrase. */
function publicPartOf(text: string): string | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  const bytes = Buffer.from(body ?? '', 'base64');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  let at = MAGIC.length;
  const next = () => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    const part = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return part;
  };
  // cipher, kdf and its options; then the number of keys, which is 1.
  next();
  next();
  next();
  at += 4;
  const blob = next();
  if (blob.length < 8) return undefined;
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString('base64')}`;
}

/** What is wrong with a file that ssh does not take for a private key, and what mends it; undefined for no known case. */
export async function diagnose(path: string): Promise<{ detail: string; next: string } | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  if (text.startsWith('PuTTY-User-Key-File')) {
    return {
      detail: "It is in PuTTY's format, which OpenSSH does not read.",
      next: `Convert it: puttygen ${path} -O private-openssh -o ${path.replace(/\.ppk$/, '')}.key, and name that file in providers.runpod.ssh_key_path.`,
    };
  }
  if (!text.includes('-----BEGIN ')) return undefined;
  if (text.includes('\r')) {
    return {
      detail: 'It has the line endings of Windows, which OpenSSH does not read.',
      next: `Take them out: sed -i 's/\\r$//' ${path}`,
    };
  }
  if (!text.endsWith('\n')) {
    return {
      detail: 'Its last line has no end, so OpenSSH does not read it.',
      next: `Add one: echo >> ${path}`,
    };
  }
  return undefined;
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
