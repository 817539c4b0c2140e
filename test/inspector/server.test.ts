import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import { refusalOf } from '../../src/inspector/guard.ts';
import { type Inspector, serveInspector } from '../../src/inspector/server.ts';
import type { Wording } from '../../src/inspector/subjects.ts';
import { type Look, Watch } from '../../src/inspector/watch.ts';
import type { Home } from '../../src/store/home.ts';
import { Journal } from '../../src/store/journal.ts';
import type { StoredRecord } from '../../src/store/records.ts';
import { tempHome } from '../support/temp-home.ts';
import { until } from '../support/until.ts';

const KEY = 'a-key-in-no-known-form';

const WORDING: Wording = {
  failure: ({ code, detail }) => ({ what: `words for ${code}`, why: JSON.stringify(detail) }),
  pastFailure: (reason) => ({ what: `it failed: ${reason}` }),
  candidate: ({ gpuName }) => `a ${gpuName}`,
};

interface World {
  home: Home;
  inspector: Inspector;
  records: Record<string, StoredRecord<object>>;
}

async function serve(pods?: () => Promise<World['records']>): Promise<World> {
  const home = tempHome();
  const records: World['records'] = {};
  const watch = new Watch({
    journal: home.journal,
    pods: pods ?? (async () => records),
    tunnels: async () => [],
    driverOf: async () => undefined,
    keeper: async () => undefined,
    checkTunnelFile: async () => undefined,
    wording: WORDING,
    secrets: [KEY],
  });
  const inspector = await serveInspector(watch, 0);
  onTestFinished(() => inspector.close());
  return { home, inspector, records };
}

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

function ask(url: string, { method = 'GET', headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    asked.once('error', reject).end();
  });
}

/** What is streamed, look by look; ends with the test, or before. */
function looks(url: string): Look[] & { end(): void } {
  const seen: Look[] = [];
  const asked = request(`${url}events`, { agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) seen.push(JSON.parse(part.slice(6)));
    });
    response.once('error', () => undefined);
  });
  asked.once('error', () => undefined).end();
  onTestFinished(() => void asked.destroy());
  return Object.assign(seen, { end: () => void asked.destroy() });
}

describe('who may see the page', () => {
  it('whoever has the key, and nobody else', async () => {
    const { inspector } = await serve();
    const { origin } = new URL(inspector.url);
    expect((await ask(inspector.url)).status).toBe(200);
    const paths = ['/', '/events', '/charts.json', `/${randomBytes(16).toString('hex')}/`, '/%2e%2e/'];
    for (const path of paths) expect((await ask(origin + path)).status, path).toBe(404);
    expect(inspector.url).toMatch(/\/[0-9a-f]{32}\/$/);
  });

  it('the address that a browser is started with works once', async () => {
    const { inspector } = await serve();
    const first = await ask(inspector.entry);
    expect([first.status, first.headers.location]).toEqual([302, new URL(inspector.url).pathname]);
    expect((await ask(inspector.entry)).status).toBe(404);
  });

  it('no other name for this machine (DNS rebinding), and no page of another origin', async () => {
    const { inspector } = await serve();
    const { port } = new URL(inspector.url);
    const refused = [
      { host: 'evil.example' },
      { host: `evil.example:${port}` },
      { host: '127.0.0.1' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ];
    for (const headers of refused)
      expect((await ask(inspector.url, { headers })).status, JSON.stringify(headers)).toBe(403);
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    for (const headers of [{ host: `localhost:${port}` }, { 'sec-fetch-site': 'none' }, link])
      expect((await ask(inspector.url, { headers })).status).toBe(200);
  });

  it('at port 80 it goes by the name that browsers use there', () => {
    const asked = (host: string, origin = `http://${host}`) =>
      refusalOf({ method: 'GET', headers: { host, origin } } as IncomingMessage, 80);
    expect(asked('localhost')).toBe(undefined);
    expect(asked('127.0.0.1')).toBe(undefined);
    expect(asked('evil.example')).toBe(403);
    expect(asked('localhost', 'http://localhost:81')).toBe(403);
  });

  it('only on loopback', async () => {
    const { inspector } = await serve();
    const outside = Object.values(networkInterfaces()).flat();
    for (const { address } of outside
      .filter((one) => one !== undefined && !one.internal)
      .map((one) => ({ address: one?.address ?? '' }))) {
      const refused = await new Promise((resolve) => {
        connect({ host: address, port: Number(new URL(inspector.url).port) })
          .once('connect', () => resolve(false))
          .once('error', () => resolve(true));
      });
      expect(refused, address).toBe(true);
    }
  });

  it('nothing can be changed: only GET and HEAD are answered', async () => {
    const { inspector } = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect((await ask(inspector.url, { method })).status, method).toBe(405);
    expect(await ask(inspector.url, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('no file but the page’s own', async () => {
    const { inspector } = await serve();
    for (const name of ['../cli.js', '..%2fcli.js', '%2e%2e/cli.js', 'cli.js', 'draw.mjs', 'toString'])
      expect((await ask(inspector.url + name)).status, name).toBe(404);
  });

  it('every answer forbids inline script, framing, keeping and telling the address on', async () => {
    const { inspector } = await serve();
    for (const name of ['', 'inspector.js', 'charts.json', 'missing.js']) {
      const { headers } = await ask(inspector.url + name);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    }
    expect((await ask(inspector.url)).body).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/);
  });

  it('whoever breaks off leaves the others served', async () => {
    const { inspector } = await serve();
    const { port, pathname } = new URL(inspector.url);
    const upgrade = `host: 127.0.0.1:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`;
    for (const text of [
      '',
      'GARBAGE\r\n\r\n',
      `GET / HTTP/1.1\r\n${upgrade}`,
      `GET ${pathname}stately HTTP/1.1\r\n${upgrade}`,
    ]) {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      socket.on('error', () => undefined);
      socket.write(text.repeat(text.startsWith('GET') ? 1 : 50));
      setImmediate(() => socket.resetAndDestroy());
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect((await ask(inspector.url)).status).toBe(200);
  });

  it('a taken port is told with what to do', async () => {
    const { inspector } = await serve();
    const port = Number(new URL(inspector.url).port);
    const watch = {} as Watch;
    await expect(serveInspector(watch, port)).rejects.toMatchObject({
      code: 'localPortTaken',
      detail: { port, option: '--port' },
    });
  });
});

describe('what is told', () => {
  const entry = {
    at: '2026-01-02T03:04:05.000Z',
    machine: 'pod@1',
    id: 'launch-1',
    event: 'begun',
    from: 'saved',
  };

  it('first everything, then what is new', async () => {
    const { home, inspector } = await serve();
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'reconciling' });
    const seen = looks(inspector.url);
    await until('the first look', () => seen.length > 0);
    expect(seen[0]).toMatchObject({ isWhole: true, entries: [{ to: 'reconciling' }] });
    await journal.append({ ...entry, to: 'creating.placing' });
    await until('the second entry', () =>
      seen.some(({ entries, isWhole }) => !isWhole && entries.length === 1),
    );
    expect(seen.at(-1)?.subjects).toMatchObject([
      { id: 'pod/launch-1', state: 'creating.placing', isPast: true, facts: {} },
    ]);
  });

  it('everything again when the journal is rotated, and nothing of it is lost', async () => {
    const { home, inspector } = await serve();
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'reconciling', reason: 'x'.repeat(2 * 1024 * 1024) });
    const seen = looks(inspector.url);
    await until('the first look', () => seen.length > 0);
    await journal.append({ ...entry, to: 'booting' });
    await until('the look after it', () => seen.length > 1);
    expect(seen[1]?.isWhole).toBe(true);
    expect(seen[1]?.entries.map(({ to }) => to)).toEqual(['reconciling', 'booting']);
    await journal.append({ ...entry, to: 'ready' });
    await until('the next entry', () => seen.length > 2);
    expect(seen[2]).toMatchObject({ isWhole: false, entries: [{ to: 'ready' }] });
  });

  it('after a pause in which nobody listened, what is true now', async () => {
    let looked = 0;
    const { home, inspector } = await serve(async () => {
      looked++;
      return {};
    });
    const journal = new Journal(home.journal);
    await journal.append({ ...entry, to: 'booting' });
    const before = looks(inspector.url);
    await until('a look', () => before.length > 0);
    before.end();
    await until('nobody looks any more', async () => {
      const count = looked;
      await sleep(400);
      return looked === count;
    });
    await journal.append({ ...entry, to: 'ready' });
    const after = looks(inspector.url);
    await until('a look', () => after.length > 0);
    expect(after[0]).toMatchObject({ isWhole: true, subjects: [{ state: 'ready' }] });
    expect(after[0]?.entries.map(({ to }) => to)).toEqual(['booting', 'ready']);
  });

  it('a record and its failure, with words for what to do, and never a secret', async () => {
    const { home, inspector, records } = await serve();
    records['launch-1'] = {
      schema: 1,
      machine: 'pod@1',
      facts: {
        podId: 'pod1',
        wish: { name: 'mine', env: { HF_TOKEN: 'hf_1' }, image: `https://me:pw@registry/${KEY}` },
        keyPath: '/home/me/.ssh/id',
        apiKey: 'rpa_1',
        publicKey: 'x',
        failure: {
          code: 'apiUnavailable',
          detail: { detail: `Bearer ${KEY} PUBLIC_KEY=ssh-ed25519 AAAAC3Nz me` },
        },
      },
      snapshot: { value: { creating: 'placing' } },
      savedAt: '2026-01-02T03:04:05.000Z',
    };
    await new Journal(home.journal).append({
      ...entry,
      id: 'x',
      to: 'failed',
      reason: `apiKeyRefused: ${KEY}`,
    });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]?.subjects[0]).toMatchObject({
      title: 'mine',
      state: 'creating.placing',
      failure: { code: 'apiUnavailable', words: { what: 'words for apiUnavailable' } },
      facts: { keyPath: '/home/me/.ssh/id' },
    });
    expect(seen[0]?.subjects[1]?.failure).toEqual({
      code: 'apiKeyRefused',
      words: { what: 'it failed: apiKeyRefused: [redacted]' },
    });
    for (const secret of [KEY, 'hf_1', 'rpa_1', 'me:pw', 'AAAAC3Nz', '"x"]'])
      expect(JSON.stringify(seen), secret).not.toContain(secret);
  });

  it('what cannot be read is a notice, and the rest is still told', async () => {
    const { home, inspector } = await serve(async () => {
      throw new AutopodError('stateNewer', {});
    });
    await new Journal(home.journal).append({ ...entry, to: 'ready' });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]).toMatchObject({
      notices: [{ what: 'words for stateNewer' }],
      subjects: [{ state: 'ready' }],
    });
  });

  it('a journal with rubbish in it does not end the inspector', async () => {
    const { home, inspector } = await serve();
    writeFileSync(home.journal, '\nnull\n7\n{"machine":3}\n{"at":"x"\n<script>\n[]');
    await new Journal(home.journal).append({ ...entry, to: 'ready' });
    const seen = looks(inspector.url);
    await until('a look', () => seen.length > 0);
    expect(seen[0]?.entries).toEqual([expect.objectContaining({ to: 'ready' })]);
  });
});
