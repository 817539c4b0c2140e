import { connect } from 'node:net';

/** Numbers of OpenSSH's PROTOCOL.mux: a packet is its length, its type, and what belongs to it, in big-endian words. */
const HELLO = 0x1;
const VERSION = 4;
const REQUESTS = { check: 0x1000_0004, exit: 0x1000_0005 };
const OK = 0x8000_0001;
const ALIVE = 0x8000_0005;
const REQUEST_ID = 0;
/** The longest answer that is expected: bytes. */
const MAX_BYTES = 4_096;

export type ControlAnswer = { pid: number | undefined };

/**
 * Asks a master at its control socket whether it answers, or to exit, as `ssh -O` does, without a process for it.
 * Undefined where nobody listens, nobody answers within `timeoutMs`, or the answer is another one. One that ends upon the
 * request to exit has answered it.
 */
export function askMaster(
  control: string,
  request: keyof typeof REQUESTS,
  timeoutMs: number,
): Promise<ControlAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(control);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    let heard: Buffer = Buffer.alloc(0);
    let isMaster = false;
    let answer: ControlAnswer | undefined;
    const hasLeft = () => {
      if (request === 'exit' && isMaster) answer ??= { pid: undefined };
    };
    socket.on('error', hasLeft).once('end', hasLeft);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.once('connect', () =>
      socket.write(Buffer.concat([packet(HELLO, VERSION), packet(REQUESTS[request], REQUEST_ID)])),
    );
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      for (let next = takePacket(heard); next; next = takePacket(heard)) {
        heard = next.rest;
        isMaster ||= next.type === HELLO;
        if (next.type === HELLO) continue;
        if (next.type === ALIVE && next.words.length >= 8) answer = { pid: next.words.readUInt32BE(4) };
        if (next.type === OK) answer = { pid: undefined };
        socket.destroy();
        return;
      }
      if (heard.length > MAX_BYTES) socket.destroy();
    });
  });
}

function packet(...words: number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * words.length);
  for (const [index, word] of [4 * words.length, ...words].entries()) bytes.writeUInt32BE(word, 4 * index);
  return bytes;
}

/** The first packet of what was heard: its type, the words after it, and what comes after the packet. */
function takePacket(heard: Buffer): { type: number; words: Buffer; rest: Buffer } | undefined {
  if (heard.length < 8) return undefined;
  const end = 4 + heard.readUInt32BE(0);
  if (end < 8 || heard.length < end) return undefined;
  return { type: heard.readUInt32BE(4), words: heard.subarray(8, end), rest: heard.subarray(end) };
}
