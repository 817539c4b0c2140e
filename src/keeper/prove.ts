import { connect } from 'node:net';
import { AutopodError } from '../errors.ts';
import type { SshAddress, TunnelWish } from '../machines/tunnel.ts';
import { Echo } from '../services/ssh/echo.ts';
import { isHeldByAgent } from '../services/ssh/key.ts';
import { forbidsForwarding, type MasterFiles, startMaster } from '../services/ssh/master.ts';
import type { KeeperTimings } from './timings.ts';

export interface Proving {
  files: MasterFiles;
  knownHostsPath: string;
  timings: Pick<KeeperTimings, 'openTimeoutMs'>;
  signal: AbortSignal;
  /** Whether this boot of the pod is so young that its keys may not be written yet. */
  mayWriteKeys: () => boolean;
  /** This boot of the pod has let a connection through before, or was asked whether it would. */
  isKnownToForward: boolean;
  /** As in `SshTarget`. */
  keepaliveSeconds?: number | undefined;
  /** Told when the forward is set up, before it is proven. */
  onForward: () => void;
  /** Whether the ssh answers at its control socket. */
  lives: () => Promise<boolean>;
}

/**
 * Starts an ssh with its forward and resolves, with the session that proves it, once an answer has come back through
 * it. Throws what ssh failed with, `sshForwardingForbidden`, or `sshUnreachable` when nothing comes in time.
 */
export async function proveForward(wish: TunnelWish, address: SshAddress, proving: Proving): Promise<Echo> {
  const { files, timings, signal, isKnownToForward, onForward, lives } = proving;
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
  onForward();
  const isClosed = closesAtOnce(files.forward, bounded);
  const echo = new Echo(files.control);
  try {
    const [isAnswering, isAlive] = await Promise.all([echo.answers(timings.openTimeoutMs, bounded), lives()]);
    if (!isAnswering || !isAlive) throw unreachable(podId, 'no answer through the ssh connection');
    // Nothing listens on the pod yet, or its sshd does not forward: ssh tells the two apart only when asked.
    if (isClosed() && !isKnownToForward && (await forbidsForwarding(target, remotePort, bounded)))
      throw new AutopodError('sshForwardingForbidden', { podId });
  } catch (error) {
    echo.end();
    signal.throwIfAborted();
    throw error;
  }
  return echo;
}

/** Asks through the forward; the answer tells whether it was closed without a word by then. */
function closesAtOnce(forward: string, signal: AbortSignal): () => boolean {
  let isClosed = false;
  const socket = connect(forward);
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
