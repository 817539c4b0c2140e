import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { SshAddress, TunnelWish } from '../machines/tunnel.ts';
import type { SshTarget } from '../services/ssh/args.ts';
import { Challenge } from '../services/ssh/challenge.ts';
import { Echo, type FirstWord } from '../services/ssh/echo.ts';
import { isHeldByAgent } from '../services/ssh/key.ts';
import { forbidsForwarding, type MasterFiles, startMaster } from '../services/ssh/master.ts';
import type { Boot } from './boot.ts';
import { HttpPulse, untilHttp } from './http-pulse.ts';
import type { Proof, Pulse } from './pulse.ts';
import type { KeeperTimings } from './timings.ts';
import { wayTo } from './way-to.ts';

export interface Proving {
  files: MasterFiles;
  knownHostsPath: string;
  timings: Pick<KeeperTimings, 'openTimeoutMs' | 'shellSilentMs'>;
  signal: AbortSignal;
  /** Whether this boot of the pod is so young that its keys may not be written yet. */
  mayWriteKeys: () => boolean;
  boot: Boot;
  /** Without a proof it is not used: not even where the pod cannot answer. */
  isProofRequired: boolean;
  /** What the pod has to prove itself with: null where it was given nothing, undefined where RunPod does not say. */
  secret: Promise<string | null | undefined>;
  /** As in `SshTarget`. */
  keepaliveSeconds?: number | undefined;
  /** Told when the forward is set up and may be used before the ssh is proven. */
  onForward: () => void;
  /** Whether the ssh answers at its control socket. */
  lives: () => Promise<boolean>;
  /** Told what a session says that was taken to be silent. */
  onLateWord: (proof: Proof) => void;
}

/** An ssh through which answers come, and how that is seen. */
export interface Proven {
  pulse: Pulse;
  proof: Proof;
  watchedBy: 'session' | 'http';
}

/** How many times as long a session is waited for where its answer is required. */
const REQUIRED_PATIENCE = 5;
/** Milliseconds between two questions to a port that may not answer yet. */
const HTTP_EVERY_MS = 500;

/**
 * Starts an ssh with its forward and resolves once an answer has come back through it, and the one who answers has proven
 * to be the pod: its first session answers a fresh challenge. Where the pod's login shell says nothing, HTTP through the
 * forward is an answer as well, though no proof. Throws what ssh failed with, `podUnproven`, `sshForwardingForbidden`, or
 * `sshUnreachable` when nothing comes in time.
 */
export async function proveForward(wish: TunnelWish, address: SshAddress, proving: Proving): Promise<Proven> {
  const { files, timings, signal, boot, onForward, lives } = proving;
  const tooLong = AbortSignal.timeout(timings.openTimeoutMs);
  const bounded = AbortSignal.any([signal, tooLong]);
  const { podId, keyPath, needsAgent, agentSocket, remotePort } = wish;
  const target = {
    ...address,
    podId,
    keyPath,
    needsAgent,
    agentSocket,
    knownHostsPath: proving.knownHostsPath,
    keepaliveSeconds: proving.keepaliveSeconds,
  };
  try {
    await startMaster(target, files, remotePort, bounded);
  } catch (error) {
    if (tooLong.aborted && !signal.aborted) throw unreachable(podId, 'ssh did not get through in time');
    throw await refinedRefusal(error, wish, proving.mayWriteKeys);
  }
  signal.throwIfAborted();
  if (boot.isProven && !proving.isProofRequired) onForward();
  const isClosed = closesAtOnce(files.forward, bounded);
  const secret = await proving.secret;
  const session = new Echo(files.control, secret ? new Challenge(secret) : undefined);
  const judged = (word: FirstWord | 'http') => judge(word, secret, target, proving);
  // Nothing listens on the pod yet, or its sshd does not forward: ssh tells the two apart only when asked.
  const refuseUnlessForwarding = async () => {
    if (isClosed() && !boot.isKnownToForward && (await forbidsForwarding(target, remotePort, bounded)))
      throw new AutopodError('sshForwardingForbidden', { podId });
    boot.isKnownToForward = true;
  };
  try {
    if (secret === null) onForward();
    if (!secret) session.beat();
    const heard = await listen(session, proving, refuseUnlessForwarding, bounded);
    if (!heard || !(await lives())) throw unreachable(podId, 'no answer through the ssh connection');
    const proof = judged(heard);
    if (heard !== 'http') {
      await refuseUnlessForwarding();
      return { pulse: session, proof, watchedBy: 'session' };
    }
    const onWord = (word: FirstWord) => proving.onLateWord(judged(word));
    return { pulse: new HttpPulse(files, { session, onWord }), proof, watchedBy: 'http' };
  } catch (error) {
    session.end();
    signal.throwIfAborted();
    throw error;
  }
}

/** What is heard first through an ssh: its session, or HTTP where that says nothing; undefined when there is neither in time. */
async function listen(
  session: Echo,
  { files, timings, boot, isProofRequired }: Proving,
  refuseUnlessForwarding: () => Promise<void>,
  signal: AbortSignal,
): Promise<FirstWord | 'http' | undefined> {
  const over = new AbortController();
  const scope = AbortSignal.any([signal, over.signal]);
  const isExcused = boot.isSilent && !isProofRequired;
  const patienceMs = isExcused ? 0 : timings.shellSilentMs * (isProofRequired ? REQUIRED_PATIENCE : 1);
  try {
    const silence = sleep(patienceMs, undefined, { signal: scope });
    const word = await Promise.race([session.firstWord, silence, session.ended]);
    if (word !== undefined) return word;
    await refuseUnlessForwarding();
    const http = untilHttp(files.forward, HTTP_EVERY_MS, scope).then(() => 'http' as const);
    return await Promise.race([session.firstWord, http]);
  } catch (error) {
    if (error instanceof AutopodError) throw error;
    return undefined; // its time is over, or nobody waits any more
  } finally {
    over.abort();
  }
}

/** What the first word says of who answers; noted with the boot. Throws `podUnproven`. */
function judge(
  word: FirstWord | 'http',
  secret: string | null | undefined,
  { podId, host, port }: SshTarget,
  { boot, isProofRequired }: Proving,
): Proof {
  const unproven = (detail: string) => new AutopodError('podUnproven', { podId, host, port, detail });
  boot.isSilent = word === 'http';
  if (word === 'proven') {
    Object.assign(boot, { isProven: true, isAccused: false });
    return 'proven';
  }
  if (word !== 'echo' && word !== 'http') {
    Object.assign(boot, { isProven: false, isAccused: true });
    throw unproven(WRONG_WORDS[word]);
  }
  if (secret === null) return 'none';
  if (boot.isAccused) throw unproven('it gave a wrong answer before, and now none');
  if (isProofRequired) {
    if (secret === undefined)
      throw new AutopodError('apiUnreachable', { detail: 'only RunPod tells what the pod has to answer' });
    throw boot.isProven ? unreachable(podId, SILENT_SHELL) : unproven(SILENT_SHELL);
  }
  return boot.isProven ? 'proven' : 'unproven';
}

const WRONG_WORDS = {
  wrong: 'its answer to the challenge is wrong',
  noSecret: 'it does not have the secret of this launch',
  noTool: 'it has neither sha256sum nor openssl nor python3 to answer with',
};
const SILENT_SHELL = 'its login shell does not answer';

/** Asks through the forward; the answer tells whether it was closed without a word by then. */
function closesAtOnce(forward: string, signal: AbortSignal): () => boolean {
  let isClosed = false;
  const socket = connect(wayTo(forward));
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  socket.once('data', end);
  socket.on('error', () => undefined);
  socket.once('end', () => {
    isClosed = socket.bytesRead === 0;
    end();
  });
  socket.once('close', () => signal.removeEventListener('abort', end));
  return () => {
    end();
    return isClosed;
  };
}

// sshd runs before the container has written its authorized keys, and an agent may have lost the key meanwhile.
async function refinedRefusal(
  error: unknown,
  { podId, keyPath, needsAgent, agentSocket }: TunnelWish,
  mayWriteKeys: () => boolean,
): Promise<unknown> {
  if (!(error instanceof AutopodError) || error.code !== 'sshKeyRefused') return error;
  if (needsAgent && !(await isHeldByAgent(keyPath, agentSocket)))
    return new AutopodError('sshKeyLocked', { path: keyPath });
  return mayWriteKeys() ? unreachable(podId, 'its keys are not written yet') : error;
}

function unreachable(podId: string, detail: string): AutopodError {
  return new AutopodError('sshUnreachable', { podId, detail });
}
