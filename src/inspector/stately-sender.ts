import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from '../host/step.ts';
import { podMachine } from '../machines/pod.ts';
import type { PodContext } from '../machines/pod-types.ts';
import { TELLS_TUNNELS } from './relay.ts';
import { type StatelyMessage, StatelyRuns, within } from './stately.ts';
import { type Telling, tellTunnels } from './stately-tunnels.ts';
import type { Watch } from './watch.ts';

export interface StatelySender {
  /** Takes a step of the pod that a launch id names, and returns at once. */
  note(launchId: string, step: Step<PodContext>): void;
  /** Tells what the tunnels have done until now, and no more. */
  end(): Promise<void>;
}

export interface SenderOptions {
  /** A WebSocket on this machine. */
  url: string;
  /** Values that must never be sent, such as the API key. */
  secrets: string[];
  /** Where the tunnels are seen; they are not told to a relay that tells them itself. */
  watch: Watch;
  /** Told once when the other end cannot be reached or has gone; nothing is tried again. */
  onLost: () => void;
}

const HANDSHAKE_MS = 3_000;
/** Messages kept until the connection stands. */
const MAX_WAITING = 200;
/** What an end that does not read may keep waiting; beyond it messages are dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** What the last looks at the tunnels may take; they end when the journal has what the tunnel's state shows already. */
const LAST_LOOK_MS = 3_000;
const LOOK_AGAIN_MS = 20;

/** Sends events in the protocol of `@statelyai/inspect`. Neither the connection nor its end keeps a process alive. */
export async function sendToStately({ url, secrets, watch, onLost }: SenderOptions): Promise<StatelySender> {
  const { WebSocket } = await import('ws');
  const session = String(process.pid);
  const pods = new StatelyRuns(podMachine, session, secrets);
  let waiting: string[] = [];
  let isLost = false;
  let isRelay = false;
  let telling: Telling | undefined;
  const lose = () => {
    if (!isLost) onLost();
    isLost = true;
    waiting = [];
    telling?.end();
  };
  const socket = new WebSocket(url, {
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
    finishRequest: (request) => {
      request.once('socket', (connection) => connection.unref());
      request.end();
    },
  });
  socket.once('upgrade', ({ headers }) => {
    isRelay = TELLS_TUNNELS in headers;
  });
  socket.once('open', () => {
    for (const message of waiting.splice(0)) socket.send(message);
    if (!isRelay) telling = tellTunnels(watch, (message) => send(ofThisProcess(message, session)));
  });
  socket.once('error', lose);
  socket.once('close', lose);

  const send = (message: StatelyMessage) => {
    if (isLost) return;
    if (socket.readyState === WebSocket.OPEN) {
      if (socket.bufferedAmount < MAX_BUFFERED_BYTES) socket.send(JSON.stringify(message));
    } else if (waiting.length < MAX_WAITING) waiting.push(JSON.stringify(message));
  };
  return {
    note: (launchId, step) =>
      void setImmediate(() => {
        for (const message of isLost ? [] : pods.told(launchId, step)) send(message);
      }),
    end: async () => {
      if (telling) await tellTheRest(watch, telling);
      telling?.end();
      isLost = true;
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close();
    },
  };
}

/** Waits for the journal to have what the tunnels have done, but not long. */
async function tellTheRest(watch: Watch, telling: Telling): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  const lookOn = async () => {
    await watch.look();
    for (; telling.isBehind() && !signal.aborted; await watch.look()) await sleep(LOOK_AGAIN_MS);
  };
  await Promise.race([lookOn(), sleep(LAST_LOOK_MS, undefined, { signal }).catch(() => undefined)]);
  done.abort();
}

/** Several processes may tell of the same tunnel. */
function ofThisProcess(message: StatelyMessage, session: string): StatelyMessage {
  const id = within(session, message.sessionId);
  return { ...message, sessionId: id, rootId: id };
}
