import ssh2, { type AuthContext, type ParsedKey } from 'ssh2';

/** The keys of an `authorized_keys` text, whatever stands before or after them on the line. */
function parseAuthorizedKeys(text: string): ParsedKey[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const key = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+\s+[A-Za-z0-9+/=]+)/.exec(line.trim())?.[1];
    const parsed = key ? ssh2.utils.parseKey(key) : undefined;
    return parsed === undefined || parsed instanceof Error ? [] : [parsed].flat();
  });
}

/** Lets root in with one of the pod's public keys, and nobody else. */
export function authorize(context: AuthContext, publicKeys: string): void {
  if (context.method !== 'publickey' || context.username !== 'root') {
    context.reject(['publickey']);
    return;
  }
  const { data } = context.key;
  const key = parseAuthorizedKeys(publicKeys).find((candidate) => candidate.getPublicSSH().equals(data));
  const isOffer = context.signature === undefined || context.blob === undefined;
  if (key && (isOffer || isSigned(key, context))) context.accept();
  else context.reject(['publickey']);
}

function isSigned(
  key: ParsedKey,
  { blob, signature, hashAlgo }: { blob?: Buffer; signature?: Buffer; hashAlgo?: string },
): boolean {
  return blob !== undefined && signature !== undefined && key.verify(blob, signature, hashAlgo) === true;
}
