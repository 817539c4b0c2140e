import { setMaxListeners } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds a knock may take; slower than this no way to a pod is. */
const KNOCK_TIMEOUT_MS = 4_000;
/** Milliseconds after which an outage is a long one, and a laptop's battery counts for more than a moment. */
const PATIENT_AFTER_MS = 180_000;
/** Milliseconds between two knocks where one was accepted and nothing was said. */
const SILENT_PAUSE_MS = 400;
/** Milliseconds between two where sshd said that it takes none now (MaxStartups, PerSourcePenalties). */
const REFUSED_PAUSE_MS = 1_500;
/** Milliseconds of nothing but refused connects after which a ban (fail2ban and its kin) is the likely reason. */
const BANNED_AFTER_MS = 60_000;
/** Bytes that may come before the version of sshd (RFC 4253, 4.2). */
const MAX_WORDS = 4_096;

/** Milliseconds between two looks at whether the way is still there during a handshake, and those a longer outage lasts. */
const WATCH_MS = 500;
/** What sshd says to those it takes no connection of: there are too many, or they failed before. */
const REFUSALS = /^(Not allowed at this time|Exceeded MaxStartups)/m;

const MAY_BE_BANNED =
  'if its sshd runs, it may have banned this machine for a while (fail2ban), which ends by itself';

/** What becomes of one knock, until it is over. */
interface Knock {
  is: 'sent' | 'accepted' | 'refused' | 'over';
  /** The connect was turned away, as by a closed port or a firewall that bans. */
  isTurnedAway?: boolean;
}

/**
 * Resolves when the pod's sshd has told its version, with the milliseconds its connect took. That a connection is
 * accepted says nothing: a captive portal accepts every one. Each knock is a connection of its own with its own first
 * packet: a path that comes back is found at once, where one connect would sit in TCP's backoff. Few are left open
 * where nothing is said, and few are made where sshd refuses them: it counts. Where every connect is turned away for
 * `bannedAfterMs`, few are made as well, and a ban is told as what it may be. `onTrouble` is told what each one met.
 */
export async function knock(
  { host, port }: { host: string; port: number },
  everyMs: number,
  signal: AbortSignal,
  onTrouble: (words: string) => void = () => undefined,
  bannedAfterMs = BANNED_AFTER_MS,
): Promise<number> {
  const begunAt = performance.now();
  let turnedAwaySince: number | undefined;
  const isBanned = () =>
    turnedAwaySince !== undefined && performance.now() - turnedAwaySince >= bannedAfterMs;
  const over = new AbortController();
  let tookMs = 0;
  const until = AbortSignal.any([signal, over.signal]);
  // Each knock that is still under way listens.
  setMaxListeners(0, until);
  let knocks: Knock[] = [];
  while (!until.aborted) {
    knocks.push(
      tryOnce(host, port, until, {
        onTrouble: (words) => onTrouble(isBanned() ? `${words}; ${MAY_BE_BANNED}` : words),
        onAnswer: (connectMs) => {
          tookMs = connectMs;
          over.abort();
        },
      }),
    );
    const patience = performance.now() - begunAt < PATIENT_AFTER_MS ? 1 : 5;
    await sleep(everyMs * patience, undefined, { signal: until }).catch(() => undefined);
    const ended = knocks.filter((one) => one.is === 'over' || one.is === 'refused');
    if (ended.length > 0)
      turnedAwaySince = ended.every((one) => one.isTurnedAway) ? (turnedAwaySince ?? begunAt) : undefined;
    const restMs = (isBanned() ? REFUSED_PAUSE_MS : pauseAfter(knocks)) - everyMs * patience;
    if (restMs > 0) await sleep(restMs, undefined, { signal: until }).catch(() => undefined);
    knocks = knocks.filter((one) => one.is === 'sent' || one.is === 'accepted');
  }
  signal.throwIfAborted();
  return tookMs;
}

/** Resolves when a knock is answered after an outage, or after so many milliseconds in any case. */
export async function untilLost(
  address: { host: string; port: number },
  knockMs: number,
  patienceMs: number,
  signal: AbortSignal,
): Promise<undefined> {
  const isOverAt = performance.now() + patienceMs;
  for (;;) {
    await sleep(Math.min(WATCH_MS, patienceMs), undefined, { signal });
    const knockedAt = performance.now();
    await knock(address, knockMs, signal);
    const now = performance.now();
    if (now - knockedAt > WATCH_MS || now > isOverAt) return undefined;
  }
}

function pauseAfter(knocks: Knock[]): number {
  if (knocks.some((one) => one.is === 'refused')) return REFUSED_PAUSE_MS;
  return knocks.some((one) => one.is === 'accepted') ? SILENT_PAUSE_MS : 0;
}

function tryOnce(
  host: string,
  port: number,
  signal: AbortSignal,
  { onAnswer, onTrouble }: { onAnswer: (connectMs: number) => void; onTrouble: (words: string) => void },
): Knock {
  const one: Knock = { is: 'sent' };
  const begunAt = performance.now();
  const socket = connect({ host, port });
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  let connectMs = 0;
  let words = '';
  let code: string | undefined;
  socket.once('connect', () => {
    one.is = 'accepted';
    connectMs = performance.now() - begunAt;
  });
  socket.on('data', (chunk: Buffer) => {
    words += chunk.toString('latin1');
    const isVersion = /^SSH-\d/m.test(words);
    if (isVersion || words.length > MAX_WORDS) end();
    if (isVersion) onAnswer(connectMs);
  });
  socket.setTimeout(KNOCK_TIMEOUT_MS, end);
  socket.once('error', (error: NodeJS.ErrnoException) => {
    code = error.code;
    end();
  });
  socket.once('close', () => {
    if (!signal.aborted) onTrouble(troubleOf(one.is === 'accepted', words.trim(), code));
    one.isTurnedAway = code === 'ECONNREFUSED' || code === 'EHOSTUNREACH';
    one.is = REFUSALS.test(words) ? 'refused' : 'over';
    signal.removeEventListener('abort', end);
  });
  return one;
}

function troubleOf(isAccepted: boolean, words: string, code: string | undefined): string {
  if (code === 'ECONNREFUSED') return 'its ssh port refuses connections';
  if (REFUSALS.test(words)) return `its sshd takes no more connections for now (“${words}”)`;
  if (words !== '') return 'what answers at its ssh port is not ssh';
  if (isAccepted) return 'its ssh port takes connections and says nothing';
  return code === undefined ? 'its ssh port does not answer' : `there is no way to its ssh port (${code})`;
}
