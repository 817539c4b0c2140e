import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../src/inspector/guard.ts';
import { serveInspector } from '../../src/inspector/server.ts';
import type { Watch } from '../../src/inspector/watch.ts';
import { startScene } from './support/scene.ts';

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

describe('who may see the page', () => {
  it('whoever has the key, and nobody else', async () => {
    const { inspector } = await startScene();
    const { origin } = new URL(inspector.url);
    expect((await ask(inspector.url)).status).toBe(200);
    const paths = ['/', '/events', '/charts.json', `/${randomBytes(16).toString('hex')}/`, '/%2e%2e/'];
    for (const path of paths) expect((await ask(origin + path)).status, path).toBe(404);
    expect(inspector.url).toMatch(/\/[0-9a-f]{32}\/$/);
  });

  it('the address that a browser is started with works once', async () => {
    const { inspector } = await startScene();
    const first = await ask(inspector.entry);
    expect([first.status, first.headers.location]).toEqual([302, new URL(inspector.url).pathname]);
    expect((await ask(inspector.entry)).status).toBe(404);
  });

  it('no other name for this machine (DNS rebinding), and no page of another origin', async () => {
    const { inspector } = await startScene();
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
    const { inspector } = await startScene();
    const outside = Object.values(networkInterfaces()).flatMap(
      (all) => all?.filter((one) => !one.internal) ?? [],
    );
    for (const { address } of outside) {
      const isReached = await new Promise((resolve) => {
        const socket = connect({ host: address, port: Number(new URL(inspector.url).port) })
          .once('connect', () => resolve(true))
          .once('error', () => resolve(false))
          // Other tests make interfaces and take them away.
          .setTimeout(2_000, () => resolve(false));
        socket.once('close', () => resolve(false));
        socket.once('timeout', () => socket.destroy());
      });
      expect(isReached, address).toBe(false);
    }
  });

  it('nothing can be changed: only GET and HEAD are answered', async () => {
    const { inspector } = await startScene();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect((await ask(inspector.url, { method })).status, method).toBe(405);
    expect(await ask(inspector.url, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('no file but the page’s own', async () => {
    const { inspector } = await startScene();
    for (const name of ['../cli.js', '..%2fcli.js', '%2e%2e/cli.js', 'cli.js', 'draw.mjs', 'toString'])
      expect((await ask(inspector.url + name)).status, name).toBe(404);
  });

  it('every answer forbids inline script, framing, keeping and telling the address on', async () => {
    const { inspector } = await startScene();
    for (const name of ['', 'inspector.js', 'charts.json', 'missing.js']) {
      const { headers } = await ask(inspector.url + name);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    }
    expect((await ask(inspector.url)).body).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/);
  });

  it('whoever breaks off leaves the others served', async () => {
    const { inspector } = await startScene();
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
    const { inspector } = await startScene();
    const port = Number(new URL(inspector.url).port);
    const watch = {} as Watch;
    await expect(serveInspector(watch, port)).rejects.toMatchObject({
      code: 'localPortTaken',
      detail: { port, option: '--port' },
    });
  });
});
