/** A key as a line of `authorized_keys` names it. */
interface PublicKey {
  /** Type and base64 body, which are the key; whatever options stand before them. */
  key: string;
  /** Usually `user@machine`, or empty. */
  comment: string;
}

const KEY = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+\s+[A-Za-z0-9+/]+=*)(?:\s+(.*))?$/;

/** The keys of an `authorized_keys`; lines that are none are left out. */
export function publicKeysIn(authorized: string): PublicKey[] {
  return authorized.split(/\r?\n/).flatMap((line) => {
    const [, key, comment = ''] = line.startsWith('#') ? [] : (KEY.exec(line.trim()) ?? []);
    return key === undefined ? [] : [{ key: key.replace(/\s+/, ' '), comment: comment.trim() }];
  });
}

/** Whether a pod with these keys lets our own in; undefined when it names no key, so that nobody can tell. */
export function letsIn(authorized: string | undefined, ownPublicKey: string): boolean | undefined {
  const [own] = publicKeysIn(ownPublicKey);
  const keys = publicKeysIn(authorized ?? '');
  return own === undefined || keys.length === 0 ? undefined : keys.some(({ key }) => key === own.key);
}
