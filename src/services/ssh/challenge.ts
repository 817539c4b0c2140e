import { createHmac, randomBytes } from 'node:crypto';

/** What a session's answer says of the pod. */
export type Verdict = 'proven' | 'wrong' | 'noSecret' | 'noTool';

/**
 * Answers a challenge ($1) with its HMAC-SHA256 under the pod's secret, behind a mark ($2), and then sends back each byte
 * it gets. The two hashes of RFC 2104 are made one after the other, so that the secret is on no command line of the pod.
 * Any login shell takes it: there is no single quote, exclamation mark, doubled backslash or line feed in it.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the shell's, not ours
const ANSWER = [
  'k=$(tr "\\0" "\\n" 2>/dev/null </proc/1/environ | sed -n "s/^AUTOPOD_POD_SECRET=\\([0-9a-f]\\{64\\}\\)$/\\1/p" 2>/dev/null)',
  'b() { s=$2; while [ -n "$s" ]; do r=${s#??}; v=$((0x${s%"$r"}^$1)); s=$r; printf %b "\\0$((v/64))$((v/8%8))$((v%8))"; done; }',
  'h() { { sha256sum || openssl dgst -sha256 -r || python3 -c "import hashlib,sys;print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"; } 2>/dev/null; }',
  `p=\${k}${'0'.repeat(64)}`,
  'x=$({ b 54 $p; printf %s "autopod $1"; } | h)',
  'y=$({ b 92 $p; b 0 ${x%% *}; } | h)',
  'a=${y%% *}',
  '[ -n "$x" ] || a=notool',
  '[ -n "$k" ] || a=nosecret',
  'printf "\\n%s=%s\\n" $2 $a',
  'exec cat',
].join('; ');
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: the shell's, not ours

/** Longest talk of a login shell, in characters, that is kept while its answer is awaited. */
const MAX_TALK = 64 * 1024;

/** One question that only a pod with the secret can answer; to be asked once. */
export class Challenge {
  readonly #secret: string;
  readonly #question = randomBytes(16).toString('hex');
  readonly #mark = randomBytes(8).toString('hex');
  #heard = '';

  /** `secret`: hex, as the pod has it in its environment. */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The remote command that answers. */
  get command(): string {
    return `exec sh -c '${ANSWER}' - ${this.#question} ${this.#mark}`;
  }

  /** Takes what the session said; whatever stands around the answer is passed over. */
  read(said: Buffer): Verdict | undefined {
    this.#heard = (this.#heard + said.toString('latin1')).slice(-MAX_TALK);
    const answer = new RegExp(`${this.#mark}=([0-9a-z]+)[\\r\\n]`).exec(this.#heard)?.[1];
    if (answer === undefined) return undefined;
    if (answer === 'nosecret') return 'noSecret';
    if (answer === 'notool') return 'noTool';
    return answer === this.#right() ? 'proven' : 'wrong';
  }

  #right(): string {
    const key = Buffer.from(this.#secret, 'hex');
    return createHmac('sha256', key).update(`autopod ${this.#question}`).digest('hex');
  }
}
