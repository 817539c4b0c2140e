import type { PodShell } from './pod-shell.ts';

/** What is to become of a pod's authorized_keys. */
export interface KeyChange {
  /** Lines as in authorized_keys, each of one key. */
  add: string[];
  /** Keys alone, in base64: lines that have one of them go. */
  remove: string[];
}

/** Reads its script from standard input. */
const KEYS = 'exec sh -s autopod-keys';
const DONE = 'autopod-keys done';

/**
 * A POSIX shell's change of who may log in. Lines that are about other keys stay as they are, to the byte; the file is
 * replaced at once, with the owner and mode it had, or not at all. A key stands between what sshd takes for a space: a
 * carriage return as well, since an editor of another system may have been at the file.
 */
export function keysScript({ add, remove }: KeyChange): string {
  const changed = [...remove, ...add.map((line) => line.split(' ')[1] ?? '')].filter((key) =>
    BASE64.test(key),
  );
  const lines = add.filter((line) => LINE.test(line));
  return `umask 077
LC_ALL=C
ws=$(printf ' \\t\\r')
f="$HOME/.ssh/authorized_keys"
mkdir -p "$HOME/.ssh" || exit 1
[ -L "$f" ] && f=$(readlink -f "$f")
[ -n "$f" ] && [ ! -d "$f" ] || exit 1
t="$f.autopod-$$"
trap 'rm -f "$t"' EXIT
if [ -f "$f" ]; then cp -p "$f" "$t" || exit 1; fi
closed=
[ ! -f "$t" ] || [ -w "$t" ] || { closed=1; chmod u+w "$t" || exit 1; }
{
[ ! -f "$f" ] || while IFS= read -r line || [ -n "$line" ]; do
case " $line " in
${changed.map((key) => `*["$ws"]${key}["$ws"]*) ;;\n`).join('')}*) printf '%s\\n' "$line" || exit 1;;
esac
done <"$f"
${lines.map((line) => `printf '%s\\n' '${line}' || exit 1\n`).join('')}} >"$t" || exit 1
[ -z "$closed" ] || chmod u-w "$t"
mv -f "$t" "$f" && echo '${DONE}'
`;
}

/** Has it done; false where no tunnel reaches the pod now, or it does not say that it is done. */
export async function changeKeys(shell: PodShell | undefined, change: KeyChange): Promise<boolean> {
  const said = await shell?.run(KEYS, keysScript(change));
  return said?.split('\n').includes(DONE) ?? false;
}

const BASE64 = /^[A-Za-z0-9+/]+=*$/;
/** Nothing in it means anything to a shell. */
const LINE = /^[\w@.-]+ [A-Za-z0-9+/]+=*( [\w@.:-]*)?$/;
