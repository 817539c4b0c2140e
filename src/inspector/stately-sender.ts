import type { InspectionEvent } from 'xstate';
import { statelyMessage } from './stately.ts';

export interface StatelySender {
  /** Takes an event of XState's and returns at once; it is sent after the transition. */
  note(event: InspectionEvent): void;
  end(): void;
}

export interface SenderOptions {
  /** A WebSocket on this machine. */
  url: string;
  /** Values that must never be sent, such as the API key. */
  secrets: string[];
  /** Told once when the other end cannot be reached or has gone; nothing is tried again. */
  onLost: () => void;
}

const HANDSHAKE_MS = 3_000;
/** Messages kept until the connection stands. */
const MAX_WAITING = 200;
/** What an end that does not read may keep waiting; beyond it messages are dropped. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** Sends events in the protocol of `@statelyai/inspect`. Neither the connection nor its end keeps a process alive. */
export async function sendToStately({ url, secrets, onLost }: SenderOptions): Promise<StatelySender> {
  const { WebSocket } = await import('ws');
  const sending = { session: String(process.pid), secrets };
  let waiting: string[] = [];
  let isLost = false;
  const lose = () => {
    if (!isLost) onLost();
    isLost = true;
    waiting = [];
  };
  const socket = new WebSocket(url, {
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
    finishRequest: (request) => {
      request.once('socket', (connection) => connection.unref());
      request.end();
    },
  });
  socket.once('open', () => {
    for (const message of waiting.splice(0)) socket.send(message);
  });
  socket.once('error', lose);
  socket.once('close', lose);

  const send = (event: InspectionEvent) => {
    const message = isLost ? undefined : statelyMessage(event, sending);
    if (!message) return;
    if (socket.readyState === WebSocket.OPEN) {
      if (socket.bufferedAmount < MAX_BUFFERED_BYTES) socket.send(JSON.stringify(message));
    } else if (waiting.length < MAX_WAITING) waiting.push(JSON.stringify(message));
  };
  return {
    note: (event) => void setImmediate(send, event),
    end: () => {
      isLost = true;
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close();
    },
  };
}
