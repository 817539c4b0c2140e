import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadOutput, FileClient } from '../../../src/services/comfyui/index.ts';
import { until } from '../../support/until.ts';
import { NEVER, sha256 } from './support/serve.ts';

const MADE = { filename: 'a.png', subfolder: '', type: 'output' } as const;
const ETAG = '"v1"';
const QUESTION = { operation: 'the request for a.png', path: '/view?filename=a.png' };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autopod-kept-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Asked {
  socket: Socket;
  /** The head of the request. */
  head: string;
  /** Which connection it came on, and which request of all it is: from 0. */
  connection: number;
  request: number;
}

/** A server that says bytes: what one of Node's would not say. */
async function say(answer: (asked: Asked) => unknown) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const heads: string[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = connections++;
    sockets.add(socket.on('error', () => {}));
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      const head = text;
      text = '';
      heads.push(head);
      void answer({ socket, head, connection, request: heads.length - 1 });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const comfyui = new FileClient({ localPort: (server.address() as AddressInfo).port });
  return {
    comfyui,
    heads,
    connections: () => connections,
    /** Brings the file here; its content. */
    bring: async (signal: AbortSignal = NEVER) => {
      const { path, sha256: sum } = await downloadOutput(comfyui, MADE, join(folder, 'a.png'), signal);
      const content = await readFile(path);
      expect(sha256(content)).toBe(sum);
      await rm(path);
      return content;
    },
    [Symbol.asyncDispose]: async () => {
      comfyui.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const headOf = (length: number, ...lines: string[]) =>
  ['HTTP/1.1 200 OK', `Content-Length: ${length}`, `ETag: ${ETAG}`, ...lines, '', ''].join('\r\n');
const whole = (content: Buffer) => Buffer.concat([Buffer.from(headOf(content.length)), content]);

/** Each piece on its way before the next. */
async function writeCut(socket: Socket, bytes: Buffer, cuts: number[]): Promise<void> {
  let from = 0;
  for (const to of [...new Set(cuts), bytes.length].sort((a, b) => a - b)) {
    const piece = bytes.subarray(from, to);
    from = to;
    if (piece.length === 0) continue;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    await turn();
  }
}

it('however an answer is cut, the file is the one that was sent', async () => {
  let sent = Buffer.alloc(0);
  let cuts: number[] = [];
  await using server = await say(({ socket }) => writeCut(socket, sent, cuts));
  // Sizes around that of a piece, and far below.
  const size = fc.oneof(
    fc.integer({ min: 1, max: 2_000 }),
    fc.integer({ min: -600, max: 600 }).map((n) => (1 << 19) + n),
  );
  await fc.assert(
    fc.asyncProperty(
      size,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
      async (bytes, at) => {
        const content = randomBytes(bytes);
        sent = whole(content);
        cuts = at.map((part, n) => Math.floor(part * (n % 2 ? sent.length : Math.min(sent.length, 120))));
        expect((await server.bring()).equals(content)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
  expect(server.connections()).toBe(1);
});

it('an empty file is one', async () => {
  await using server = await say(({ socket }) => socket.write(headOf(0)));
  expect(await server.bring()).toEqual(Buffer.alloc(0));
});

it('a head that comes byte by byte is read', async () => {
  const content = randomBytes(10);
  const sent = whole(content);
  await using server = await say(({ socket }) => writeCut(socket, sent, [...sent.keys()]));
  expect(await server.bring()).toEqual(content);
});

it('files far larger than the memory that is lent come whole, one after the other on one connection', async () => {
  const content = randomBytes(9_000_000);
  await using server = await say(({ socket }) => socket.write(whole(content)));
  for (let n = 0; n < 3; n += 1) expect((await server.bring()).equals(content)).toBe(true);
  expect(server.connections()).toBe(1);
});

it('answers before the answer are passed over, wherever they are cut', async () => {
  const content = randomBytes(500);
  const sent = Buffer.concat([
    Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'),
    whole(content),
  ]);
  let at = 0;
  await using server = await say(({ socket }) => writeCut(socket, sent, [at]));
  for (at = 0; at < 90; at += 7) expect(await server.bring()).toEqual(content);
  expect(server.connections()).toBe(1);
});

it('asks for the rest with the range and the version, and takes 206 for it, 200 for the whole and 416 for its end', async () => {
  const content = randomBytes(3 << 20);
  const half = content.length / 2;
  const rest = (from: number) =>
    Buffer.from(
      `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes ${from}-${content.length - 1}/${content.length}\r\n` +
        `ETag: ${ETAG}\r\nContent-Length: ${content.length - from}\r\n\r\n`,
    );
  let second: (from: number) => Buffer = () => Buffer.alloc(0);
  let asks = 0;
  await using server = await say(({ socket, head }) => {
    const from = Number(/range: bytes=(\d+)-/.exec(head)?.[1] ?? 0);
    asks += 1;
    if (asks === 1)
      socket.end(Buffer.concat([Buffer.from(headOf(content.length)), content.subarray(0, half)]));
    else socket.write(second(from));
  });
  second = (from) => Buffer.concat([rest(from), content.subarray(from)]);
  expect((await server.bring()).equals(content)).toBe(true);
  expect(server.heads[1]).toContain(`range: bytes=${half}-\r\nif-range: ${ETAG}\r\n`);
  asks = 0;
  second = () => whole(content);
  expect((await server.bring()).equals(content)).toBe(true);
  asks = 0;
  // Somebody else's idea of its end: all is asked for again.
  second = (from) =>
    from > 0
      ? Buffer.from(
          `HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */${half - 1}\r\nContent-Length: 0\r\n\r\n`,
        )
      : whole(content);
  expect((await server.bring()).equals(content)).toBe(true);
});

describe('what tells its length in another way is asked for again, by a client that knows more of HTTP', () => {
  const content = randomBytes(40_000);
  const chunked = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n`),
    content,
    Buffer.from('\r\n0\r\n\r\n'),
  ]);
  it.each([
    ['chunks', chunked, false],
    ['its end', Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), content]), true],
  ])('%s', async (_, sent, isEnded) => {
    await using server = await say(({ socket }) => (isEnded ? socket.end(sent) : socket.write(sent)));
    expect(await server.bring()).toEqual(content);
    expect(server.heads.length).toBe(2);
    expect(await server.bring()).toEqual(content);
    expect(server.heads.length).toBe(3);
  });

  it.each([
    ['a length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcd'],
    ['a head that never ends', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
  ])('%s is no answer', async (_, sent) => {
    await using server = await say(({ socket }) => socket.end(sent));
    await expect(server.comfyui.ask(QUESTION, NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
  });
});

it('a body that was pressed is no file', async () => {
  const sent = gzipSync('x');
  await using server = await say(({ socket }) =>
    socket.write(Buffer.concat([Buffer.from(headOf(sent.length, 'Content-Encoding: gzip')), sent])),
  );
  await expect(server.bring()).rejects.toMatchObject({ code: 'comfyAnswerUnexpected' });
});

it.each([
  ['with the head', 'HTTP/1.1 404 Not Found\r\n\r\n'],
  ['with a body of any kind', 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n'],
])('what is not there is told %s', async (_, sent) => {
  await using server = await say(({ socket }) => socket.write(sent));
  await expect(server.bring()).rejects.toMatchObject({ code: 'outputGone' });
});

it('more than was told is no part of the file, and the connection is not asked again', async () => {
  const content = randomBytes(100_000);
  const sent = Buffer.concat([whole(content), Buffer.from('HTTP/1.1 200 OK\r\n')]);
  await using server = await say(({ socket }) => socket.write(sent));
  expect(await server.bring()).toEqual(content);
  expect(await server.bring()).toEqual(content);
  expect(server.connections()).toBe(2);
});

describe('a connection that is kept', () => {
  it('and that is closed as it is asked costs another one, and nobody is told', async () => {
    const content = randomBytes(100);
    await using server = await say(({ socket, connection, request }) => {
      if (connection === 0 && request > 0) socket.destroy();
      else socket.write(whole(content));
    });
    expect(await server.bring()).toEqual(content);
    expect(await server.bring()).toEqual(content);
    expect(server.connections()).toBe(2);
    expect(server.heads.length).toBe(3);
  });

  it('is not asked once more when the next one is closed as well', async () => {
    await using server = await say(({ socket, request }) => {
      if (request > 0) socket.destroy();
      else socket.write(whole(Buffer.from('x')));
    });
    await server.bring();
    await expect(server.comfyui.ask(QUESTION, NEVER)).rejects.toMatchObject({ code: 'comfyUnanswered' });
    expect(server.heads.length).toBe(3);
  });

  it('is none where the server says so', async () => {
    const sent = Buffer.concat([Buffer.from(headOf(1, 'Connection: close')), Buffer.from('x')]);
    await using server = await say(({ socket }) => socket.write(sent));
    await server.bring();
    await server.bring();
    expect(server.connections()).toBe(2);
  });

  it('is closed with the client', async () => {
    let closed: Promise<unknown> | undefined;
    await using server = await say(({ socket }) => {
      closed = once(socket, 'close');
      socket.write(whole(Buffer.from('x')));
    });
    await server.bring();
    server.comfyui.close();
    await closed;
  });

  it('is one of as many as there are files at once', async () => {
    const content = randomBytes(1_000);
    await using server = await say(({ socket }) => socket.write(whole(content)));
    const several = async () => {
      const paths = [1, 2, 3].map((n) => join(folder, `${n}.png`));
      await Promise.all(paths.map((path) => downloadOutput(server.comfyui, MADE, path, NEVER)));
    };
    await several();
    await several();
    expect(server.connections()).toBeLessThanOrEqual(3);
  });
});

it('who takes nothing is sent no more than a few pieces, and all of it in the end', async () => {
  const content = randomBytes(40 << 20);
  let sender: Socket | undefined;
  await using server = await say(({ socket }) => {
    sender = socket;
    socket.write(whole(content));
  });
  const answer = await server.comfyui.ask(QUESTION, NEVER);
  const taken: Buffer[] = [];
  let most = 0;
  let open = 0;
  const letGo: (() => void)[] = [];
  let isSlow = true;
  const read = answer.read(
    ([piece = Buffer.alloc(0)]) => {
      open += 1;
      most = Math.max(most, open);
      const done = () => {
        open -= 1;
        taken.push(Buffer.from(piece));
      };
      if (!isSlow) return Promise.resolve().then(done);
      return new Promise<void>((resolve) => letGo.push(resolve)).then(done);
    },
    () => {},
  );
  await until('two pieces', () => open === 2);
  const stoppedAt = sender?.bytesWritten;
  for (let n = 0; n < 50; n += 1) await turn();
  expect(open).toBe(2);
  expect(sender?.bytesWritten).toBe(stoppedAt);
  isSlow = false;
  for (const go of letGo) go();
  await read;
  expect(most).toBeLessThanOrEqual(3);
  // Nothing was written over before it was taken.
  expect(Buffer.concat(taken).equals(content)).toBe(true);
});

it('what takes it fails: the reading ends with that', async () => {
  await using server = await say(({ socket }) => socket.write(whole(randomBytes(8 << 20))));
  const answer = await server.comfyui.ask(QUESTION, NEVER);
  const full = new Error('full');
  await expect(
    answer.read(
      async () => Promise.reject(full),
      () => {},
    ),
  ).rejects.toBe(full);
});

it.each([
  ['in mid-body', headOf(1_000) + 'x'.repeat(10)],
  ['in mid-head', 'HTTP/1.1 200 OK\r\nContent-'],
  ['before a byte', ''],
])('silence %s ends it, as does an abort', async (_, sent) => {
  await using server = await say(({ socket }) => socket.write(sent));
  const bring = async (signal: AbortSignal, silenceMs?: number) => {
    const answer = await server.comfyui.ask({ ...QUESTION, ...(silenceMs && { silenceMs }) }, signal);
    await answer.read(
      async () => {},
      () => {},
    );
  };
  await expect(bring(NEVER, 50)).rejects.toThrow(/./);
  const abort = new AbortController();
  const bringing = bring(abort.signal);
  await until('the question', () => server.heads.length === 2);
  abort.abort(new Error('enough'));
  await expect(bringing).rejects.toThrow('enough');
});

it('what has come when it is cut or aborted is given before the error', async () => {
  await using server = await say(({ socket }) => socket.write(headOf(1_000) + 'x'.repeat(10)));
  const abort = new AbortController();
  const answer = await server.comfyui.ask(QUESTION, abort.signal);
  let given = 0;
  let told = 0;
  const read = answer.read(
    async ([piece]) => {
      given += piece?.length ?? 0;
    },
    (bytes) => {
      told += bytes;
      if (told === 10) abort.abort();
    },
  );
  await expect(read).rejects.toMatchObject({ name: 'AbortError' });
  expect(given).toBe(10);
});
