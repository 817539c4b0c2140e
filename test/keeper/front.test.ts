import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Front } from '../../src/keeper/front.ts';
import { portHolder } from '../../src/keeper/port-holder.ts';
import { tempHome } from '../support/temp-home.ts';
import { until } from '../support/until.ts';

async function frontTo(handler?: (socket: Socket) => void, holdMs = 2_000) {
  const path = join(tempHome().root, 's');
  const front = new Front({
    holdMs,
    explain: (reason) => ({
      state: reason === 'noWay' ? 'waitingForPod' : reason,
      title: `it is <${reason}>`,
      advice: 'autopod start <it>',
    }),
  });
  const port = await front.listen('auto');
  onTestFinished(() => front.close());
  if (handler) await serve(createServer({ allowHalfOpen: true }, handler), path);
  return { front, port, path };
}

async function serve(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
}

function asked(agent: Agent, port: number, method: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: '127.0.0.1', method, path: '/' }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    });
    sent.once('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe('the local port', () => {
  it('joins a connection both ways, on 127.0.0.1 and on [::1]', async () => {
    const { front, port, path } = await frontTo(echo);
    front.way = path;
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect({ port, host });
      socket.end('hello');
      expect((await buffer(socket)).toString()).toBe('hello');
    }
  });

  it('a client that ends its side first still gets the whole answer', async () => {
    const answer = randomBytes(5_000_000);
    const { front, port, path } = await frontTo((socket) => {
      socket.resume();
      socket.once('end', () => socket.end(answer));
    });
    front.way = path;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('question');
    expect((await buffer(socket)).equals(answer)).toBe(true);
  });

  it('an upload of 64 MB arrives whole, and is counted', async () => {
    const hash = createHash('sha256');
    const sent = createHash('sha256');
    const { front, port, path } = await frontTo((socket) => {
      socket.on('data', (chunk) => hash.update(chunk));
      socket.once('end', () => socket.end(hash.digest('hex')));
    });
    front.way = path;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const answer = buffer(socket);
    for (let part = 0; part < 64; part++) {
      const chunk = randomBytes(1_000_000);
      sent.update(chunk);
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    socket.end();
    expect((await answer).toString()).toBe(sent.digest('hex'));
    expect(front.bytesOut).toBe(64_000_000);
  });

  it('downloads arrive whole, side by side with slow clients and some that leave', async () => {
    const answers = Array.from({ length: 6 }, () => randomBytes(8_000_000));
    const { front, port, path } = await frontTo((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (number: Buffer) => socket.end(answers[Number(number)] ?? ''));
    });
    front.way = path;
    const download = async (number: number, style: 'quick' | 'slow' | 'leaving') => {
      const socket = connect({ port, host: '127.0.0.1' });
      const hash = createHash('sha256');
      let taken = 0;
      socket.on('data', (chunk) => {
        hash.update(chunk);
        taken += chunk.length;
        if (style === 'quick') return;
        if (style === 'leaving' && taken > 1_000_000) return void socket.destroy();
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      });
      socket.write(String(number));
      await once(socket, 'close');
      return style === 'leaving' ? undefined : hash.digest('hex');
    };
    const styles = ['quick', 'slow', 'leaving'] as const;
    const downloads = [...answers, ...answers].map((_, index) =>
      download(index % 6, styles[index % 3] ?? 'quick'),
    );
    const hashes = answers.map((answer) => createHash('sha256').update(answer).digest('hex'));
    for (const [index, hash] of (await Promise.all(downloads)).entries())
      if (hash) expect(hash).toBe(hashes[index % 6]);
    await until('no connection is left', () => !front.uses(path));
  });

  it('holds connections while there is no way, and delivers all of them when there is', async () => {
    const { front, port, path } = await frontTo(echo);
    const waiting = Array.from({ length: 200 }, async (_, index) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.end(`request ${index}`);
      return (await buffer(socket)).toString();
    });
    setTimeout(() => {
      front.way = path;
    }, 200);
    expect(await Promise.all(waiting)).toEqual(waiting.map((_, index) => `request ${index}`));
  });

  it('a way that is dead holds the connection instead of refusing it', async () => {
    const { front, port, path } = await frontTo(echo);
    front.way = join(tempHome().root, 'nobody');
    const socket = connect({ port, host: '127.0.0.1' });
    socket.end('hello');
    setTimeout(() => {
      front.way = path;
    }, 150);
    expect((await buffer(socket)).toString()).toBe('hello');
  });

  it('500 connections held at once are all delivered, more than an ssh takes at a time', async () => {
    const { front, port, path } = await frontTo((socket) => void socket.pipe(socket));
    const clients = Array.from({ length: 500 }, (_, number) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.end(`client ${number}`);
      return buffer(socket);
    });
    front.way = path;
    const answers = await Promise.all(clients);
    expect(answers.map(String)).toEqual(clients.map((_, number) => `client ${number}`));
  });

  it('after the hold a browser gets a page and a script JSON, both 503 with what to do', async () => {
    const { port } = await frontTo(undefined, 50);
    const url = `http://127.0.0.1:${port}/`;
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
    const html = await page.text();
    expect(html).toContain('autopod start &lt;it>');
    expect(html.match(/it is &lt;noWay>/g)).toHaveLength(2);
    expect(html).toMatch(/name="viewport".*\n.*color-scheme" content="light dark"/);
    const json = await fetch(url, { headers: { accept: 'application/json' } });
    expect(await json.json()).toMatchObject({
      error: { state: 'waitingForPod', hint: 'autopod start <it>' },
    });
  });

  it('while no way is on its way nobody is held: who waits and who asks gets the 503 at once', async () => {
    const { front, port } = await frontTo(undefined, 60_000);
    const url = `http://127.0.0.1:${port}/queue`;
    const held = fetch(url);
    await sleep(100);
    front.isAwaited = false;
    expect((await held).status).toBe(503);
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(503);
    front.isAwaited = true;
    await expect(fetch(url, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
  });

  it('a held client that speaks no HTTP is closed, not answered', async () => {
    const { port } = await frontTo(undefined, 50);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('\u0000\u0001binary');
    expect((await buffer(socket)).length).toBe(0);
  });

  it('a service that closes at once closes the client too', async () => {
    const { front, port, path } = await frontTo((socket) => void socket.destroy());
    front.way = path;
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'close');
  });

  it('a request that the pod’s port does not answer gets a 503 that says so', async () => {
    const { front, port, path } = await frontTo((socket) => void socket.destroy());
    front.way = path;
    const answer = await fetch(`http://127.0.0.1:${port}/queue`, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { state: 'noAnswer' } });
  });

  it('a client that asks only after the pod’s port has closed on it gets the 503, too', async () => {
    const closed: Promise<unknown>[] = [];
    const { front, port, path } = await frontTo((socket) => {
      closed.push(once(socket, 'close'));
      socket.destroy();
    });
    front.way = path;
    for (let number = 0; number < 20; number++) {
      const socket = connect({ port, host: '127.0.0.1' });
      await until('the pod has closed it', () => closed.length > number);
      await closed[number];
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n');
      expect((await buffer(socket)).toString()).toMatch(/^HTTP\/1\.1 503 /);
    }
  });

  it('a GET whose ssh dies before the answer is asked again of the next one', async () => {
    const { front, port, path } = await frontTo();
    const asked: Socket[] = [];
    await serve(
      createServer((socket) => void asked.push(socket.resume())),
      path,
    );
    front.way = path;
    const answer = fetch(`http://127.0.0.1:${port}/queue`);
    await until('asked', () => asked.length === 1);
    front.way = undefined;
    asked[0]?.destroy();
    const next = join(tempHome().root, 'n');
    await serve(
      createHttpServer((request, response) => response.end(`${request.method} ${request.url}`)),
      next,
    );
    front.way = next;
    expect(await (await answer).text()).toBe('GET /queue');
  });

  it('a GET whose ssh dies unnoticed waits for the next one instead of being told that ComfyUI is down', async () => {
    const { front, port, path } = await frontTo();
    const asked: Socket[] = [];
    const dying = createServer((socket) => void asked.push(socket.resume()));
    await serve(dying, path);
    front.way = path;
    const answer = fetch(`http://127.0.0.1:${port}/queue`);
    await until('asked', () => asked.length === 1);
    dying.close();
    asked[0]?.destroy();
    await sleep(400);
    const next = join(tempHome().root, 'n');
    await serve(
      createHttpServer((_, response) => response.end('late')),
      next,
    );
    front.way = next;
    expect(await (await answer).text()).toBe('late');
  });

  it('a client that has not asked yet is joined to the next ssh when its own dies', async () => {
    const { front, port, path } = await frontTo();
    const joined: Socket[] = [];
    await serve(
      createServer((socket) => void joined.push(socket.resume())),
      path,
    );
    front.way = path;
    const client = connect({ port, host: '127.0.0.1' });
    await until('joined', () => joined.length === 1);
    front.way = undefined;
    joined[0]?.destroy();
    const next = join(tempHome().root, 'n');
    const again: Socket[] = [];
    await serve(
      createServer({ allowHalfOpen: true }, (socket) => {
        again.push(socket);
        echo(socket);
      }),
      next,
    );
    front.way = next;
    await until('joined again', () => again.length === 1);
    client.end('first words');
    expect((await buffer(client)).toString()).toBe('first words');
  });

  it('a POST whose client gave up while it was held is not delivered', async () => {
    const { front, port, path } = await frontTo();
    const asked: string[] = [];
    const server = createHttpServer((request, response) =>
      response.end(String(asked.push(`${request.url}`))),
    );
    await serve(server, path);
    const impatient = { method: 'POST', body: '{}', signal: AbortSignal.timeout(150) };
    await expect(fetch(`http://127.0.0.1:${port}/prompt`, impatient)).rejects.toThrow();
    const patient = fetch(`http://127.0.0.1:${port}/queue`);
    await sleep(100);
    front.way = path;
    await patient;
    expect(asked).toEqual(['/queue']);
  });

  it('a held client that has said all it has to say, and speaks no HTTP, is delivered whole', async () => {
    const { front, port, path } = await frontTo(echo);
    const words = randomBytes(3_000_000);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(words);
    await sleep(100);
    front.way = path;
    expect((await buffer(socket)).equals(words)).toBe(true);
  });

  it.each(['GET', 'POST'])(
    'a %s on a connection that was kept alive goes through the ssh that has taken over, and only there',
    async (method) => {
      const { front, port, path } = await frontTo();
      const seen: string[] = [];
      const answering = (name: string) =>
        createHttpServer((request, response) => {
          seen.push(`${name} ${request.method}`);
          request.resume().once('end', () => response.end(name));
        });
      const next = join(tempHome().root, 'n');
      await serve(answering('first'), path);
      await serve(answering('next'), next);
      front.way = path;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      expect(await asked(agent, port, 'GET')).toBe('first');
      front.way = next;
      expect(await asked(agent, port, method)).toBe('next');
      expect(await asked(agent, port, method)).toBe('next');
      expect(seen).toEqual(['first GET', `next ${method}`, `next ${method}`]);
    },
  );

  it('a GET on a connection that was kept alive, put into an ssh that does not answer, is asked of the next one', async () => {
    const { front, port, path } = await frontTo();
    const requests: string[] = [];
    await serve(
      createHttpServer((request, response) => {
        if (requests.push(request.url ?? '') === 1) response.end('first');
      }),
      path,
    );
    front.way = path;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await asked(agent, port, 'GET');
    const second = asked(agent, port, 'GET');
    await until('asked twice', () => requests.length === 2);
    const next = join(tempHome().root, 'n');
    await serve(
      createHttpServer((_, response) => response.end('next')),
      next,
    );
    front.way = next;
    expect(await second).toBe('next');
  });

  it.each([
    ['a harmless GET', 'GET /queue'],
    ['a POST', 'POST /prompt'],
    ['a GET with effects', 'GET /manager/reboot'],
    ['a request line of 4 KiB', `GET /view?filename=${'%E7%8C%AB'.repeat(400)}`],
  ])(
    '%s on a connection that was kept while its ssh died is asked of the next one, once',
    async (_, line) => {
      const { front, port, path } = await frontTo();
      const seen: string[] = [];
      const answering = (name: string) =>
        createHttpServer((request, response) => {
          seen.push(`${name} ${request.method} ${request.url}`);
          request.resume().once('end', () => response.end(name));
        });
      const first = answering('first');
      await serve(first, path);
      front.way = path;
      const client = connect({ port, host: '127.0.0.1' });
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await until('answered', () => client.read()?.toString().endsWith('first') ?? false);
      front.way = undefined;
      first.closeAllConnections();
      await until('nothing is joined', () => !front.uses(path));
      const next = join(tempHome().root, 'n');
      await serve(answering('next'), next);
      client.write(`${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      await sleep(50);
      front.way = next;
      expect((await buffer(client)).toString()).toMatch(/^HTTP\/1.1 200 /);
      expect(seen).toEqual(['first GET /', `next ${line}`]);
    },
  );

  it('a client that was kept while its ssh died gets a 503 when it asks and there is none, and may leave', async () => {
    const { front, port, path } = await frontTo();
    const server = createHttpServer((_, response) => response.end('once'));
    await serve(server, path);
    front.way = path;
    const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })] as const;
    for (const agent of agents) expect(await asked(agent, port, 'GET')).toBe('once');
    front.way = undefined;
    server.closeAllConnections();
    await until('nothing is joined', () => !front.uses(path));
    agents[0].destroy();
    front.isAwaited = false;
    expect(await asked(agents[1], port, 'GET')).toContain('it is &lt;noWay>');
    agents[1].destroy();
  });

  it('an idle connection leaves an ssh that has a successor, so that that one can end', async () => {
    const { front, port, path } = await frontTo();
    await serve(
      createHttpServer((_, response) => response.end('first')),
      path,
    );
    front.way = path;
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    expect(await asked(agent, port, 'GET')).toBe('first');
    const next = join(tempHome().root, 'n');
    await serve(
      createHttpServer((_, response) => response.end('next')),
      next,
    );
    front.way = next;
    await until('nothing is joined', () => !front.uses(path));
    expect(await asked(agent, port, 'GET')).toBe('next');
  });

  it('a GET that is slow, not lost, is not asked twice where it may change something', async () => {
    const { front, port, path } = await frontTo();
    const late: (() => void)[] = [];
    await serve(
      createHttpServer((_, response) => void late.push(() => response.end('late'))),
      path,
    );
    front.way = path;
    const answer = fetch(`http://127.0.0.1:${port}/manager/reboot`);
    await until('asked', () => late.length === 1);
    const next = join(tempHome().root, 'n');
    const again: unknown[] = [];
    await serve(
      createHttpServer((request, response) => response.end(String(again.push(request.url)))),
      next,
    );
    front.way = next;
    await sleep(50);
    late[0]?.();
    expect(await (await answer).text()).toBe('late');
    expect(again).toEqual([]);
  });

  it.each(['POST /prompt', 'GET /manager/reboot'])(
    'a held %s with a line of 4 KiB, whose client has hung up, is not delivered',
    async (line) => {
      const { front, port, path } = await frontTo();
      const seen: unknown[] = [];
      await serve(
        createHttpServer((request, response) => response.end(String(seen.push(request.url)))),
        path,
      );
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      client.end(`${line}?name=${'%E7%8C%AB'.repeat(500)} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
      const answer = buffer(client);
      await sleep(50);
      const patient = fetch(`http://127.0.0.1:${port}/queue`);
      front.way = path;
      await patient;
      expect((await answer).toString()).toMatch(/^HTTP\/1.1 503 /);
      expect(seen).toEqual(['/queue']);
    },
  );

  it('bytes from the pod, and an upload that ssh goes on taking, tell that the way is alive', async () => {
    const { front, port, path } = await frontTo();
    const joined: Socket[] = [];
    await serve(
      createServer((socket) => void joined.push(socket)),
      path,
    );
    front.way = path;
    const client = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
    await until('joined', () => joined.length === 1);
    expect(front.flowedAt(path)).toBe(Number.NEGATIVE_INFINITY);
    joined[0]?.write('from the pod');
    await once(client, 'data');
    const heardAt = front.flowedAt(path);
    expect(heardAt).toBeGreaterThan(0);
    for (let part = 0; part < 64; part++) client.write(Buffer.alloc(1_000_000));
    let last = heardAt;
    await until('ssh takes no more', async () => {
      const before = last;
      await sleep(50);
      last = front.flowedAt(path);
      return last === before;
    });
    joined[0]?.resume();
    await until('the upload goes on', () => front.flowedAt(path) > last);
  });

  it('a POST whose ssh dies is never sent twice', async () => {
    const { front, port, path } = await frontTo();
    const asked: Socket[] = [];
    await serve(
      createServer((socket) => void asked.push(socket.resume())),
      path,
    );
    front.way = path;
    const answer = fetch(`http://127.0.0.1:${port}/prompt`, { method: 'POST', body: '{}' });
    const refused = expect(answer).rejects.toThrow();
    await until('asked', () => asked.length === 1);
    front.way = undefined;
    asked[0]?.destroy();
    await refused;
  });

  it('a taken port is refused with who has it, even when it is taken on one address only', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const other = createHttpServer();
      other.listen(0, host);
      await once(other, 'listening');
      const { port } = other.address() as { port: number };
      const front = new Front({ holdMs: 1, explain: () => ({ state: '', title: '', advice: '' }) });
      await expect(front.listen(port)).rejects.toMatchObject({
        code: 'localPortTaken',
        detail: { port, pid: process.pid },
      });
      expect(portHolder(port).pid).toBe(process.pid);
      other.close();
    }
  });

  it('a closed front leaves its port to others', async () => {
    const { front, port } = await frontTo(echo);
    await front.close();
    const again = new Front({ holdMs: 1, explain: () => ({ state: '', title: '', advice: '' }) });
    expect(await again.listen(port)).toBe(port);
    await again.close();
  });
});
