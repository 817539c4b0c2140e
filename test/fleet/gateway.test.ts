import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import type { Role } from '../../src/fleet/people/people.ts';
import { digestOf } from '../../src/fleet/people/tokens.ts';
import { ask, WISH } from './support/fleet.ts';
import { bareGateway as gateway, raw } from './support/gateway.ts';

const UP = { launchId: crypto.randomUUID(), isNew: true, wish: WISH, timeoutMs: 60_000 };
const TIMEOUT = { timeoutMs: 60_000 };

describe('the gateway lets in', () => {
  it('nobody without a token, with a wrong, a cut or another kind of one', async () => {
    const { url, token, people, reached } = await gateway();
    const good = await token('admin');
    const invite = await people.invite({ name: 'late', role: 'admin' });
    for (const bad of [
      undefined,
      good.slice(0, -1),
      `${good}A`,
      good.toUpperCase(),
      invite,
      digestOf(good),
      'x'.repeat(47),
    ])
      expect((await ask(url, 'GET', '/v1/pods', undefined, bad)).status).toBe(401);
    for (const scheme of ['Basic', 'bearer  ', 'Token'])
      expect(
        await raw(
          url,
          `GET /v1/pods HTTP/1.1\r\nhost: x\r\nauthorization: ${scheme} ${good}x\r\nconnection: close\r\n\r\n`,
        ),
      ).toContain('401');
    expect(reached).toEqual([]);
    expect((await ask(url, 'GET', '/v1/pods', undefined, good)).status).toBe(200);
  });

  it('an invitation once, within a day, and nothing in its place', async () => {
    const { url, people, file } = await gateway();
    const invite = await people.invite({ name: 'ann', role: 'member' });
    const login = (invitation: string) =>
      ask(url, 'POST', '/v1/login', { invite: invitation, publicKey: null });
    const { status, body } = await login(invite);
    expect([status, body.name, body.role]).toEqual([200, 'ann', 'member']);
    expect((await login(invite)).status).toBe(401);
    expect((await login(body.token)).status).toBe(401);
    const old = await people.invite({ name: 'bob', role: 'member' }, Date.now() - 25 * 3_600_000);
    expect((await login(old)).status).toBe(401);
    const kept = readFileSync(file, 'utf8');
    expect([kept.includes(body.token), kept.includes(invite), kept.includes(digestOf(body.token))]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('nobody who was removed, at once, nor in a role they have no more', async () => {
    const { url, people, token } = await gateway();
    const admin = await token('admin');
    await people.invite({ name: 'p1', role: 'viewer' });
    expect((await ask(url, 'POST', '/v1/pods/x/stop', TIMEOUT, admin)).status).toBe(403);
    await people.remove('p1');
    expect((await ask(url, 'GET', '/v1/pods', undefined, admin)).status).toBe(401);
  });
});

describe('each verb has its role', () => {
  const VERBS: [string, string, unknown, Role][] = [
    ['GET', '/v1/me', undefined, 'viewer'],
    ['GET', '/v1/pods', undefined, 'viewer'],
    ['GET', '/v1/pods/p', undefined, 'viewer'],
    ['GET', '/v1/launches/p', undefined, 'viewer'],
    ['GET', '/v1/history', undefined, 'viewer'],
    ['GET', '/v1/looks', undefined, 'viewer'],
    ['GET', '/v2/pods/p/logs?tail=5', undefined, 'member'],
    ['POST', '/v1/up', UP, 'member'],
    ['POST', '/v1/pods/p/start', TIMEOUT, 'member'],
    ['POST', '/v1/pods/p/stop', TIMEOUT, 'member'],
    ['POST', '/v1/pods/p/restart', TIMEOUT, 'member'],
    ['POST', '/v1/pods/p/kill', TIMEOUT, 'member'],
    ['GET', '/v2/catalog/gpus?cloud=SECURE&count=1', undefined, 'member'],
    ['GET', '/v2/catalog/datacenters', undefined, 'member'],
    ['GET', '/v2/network-volumes', undefined, 'member'],
    ['GET', '/v2/pods', undefined, 'member'],
    ['GET', '/v2/pods/p', undefined, 'member'],
  ];

  it.each(VERBS)('%s %s', async (method, path, body, role) => {
    const { url, token } = await gateway();
    const statuses: Record<string, number> = {};
    for (const who of ['viewer', 'member', 'admin'] as const)
      statuses[who] = (await ask(url, method, path, body, await token(who))).status;
    const isFor = (who: Role) => role === 'viewer' || who !== 'viewer';
    expect(statuses).toEqual({ viewer: isFor('viewer') ? 200 : 403, member: 200, admin: 200 });
  });

  it('of a pod a member’s keeper is told what it needs, and no other variable', async () => {
    const { url, token } = await gateway();
    const { body } = await ask(url, 'GET', '/v2/pods/p', undefined, await token('member'));
    expect(body).toEqual({ id: 'p', env: { PUBLIC_KEY: 'k' } });
  });
});

describe('the gateway refuses', () => {
  let served: Awaited<ReturnType<typeof gateway>>;
  let admin: string;
  const open = async () => {
    served = await gateway();
    admin = await served.token('admin');
  };

  it('paths that are tricks, and what only the engine has', async () => {
    await open();
    const tricks = [
      '/pod/k/settled',
      '/pod/k/work',
      '/v1/../deployments',
      '/v1/%2e%2e/query',
      '/v1//pods',
      '//v1/pods',
      '/v1/pods/..',
      '/v1/pods/%2f..%2fdeployments',
      '/v1/pods/a/b/c',
      '/v1/pods/p/settled',
      '/v1/pods/p/work',
      '/v1/pods/p;x/kill',
      '/V1/pods',
      '/deployments',
      '/query',
      '/health',
      '/restate/invocations',
      '/v2/account/ssh-keys',
      '/v2/billing/pods',
      '/v2/catalog',
      '/v2/pods/p/action',
      'http://x/v1/pods',
      '*',
      '/v1/pods/\u0000',
      '/page/index.html',
      '/page/../people.json',
      '/page/%2e%2e/people.json',
      '/page/none.js/',
      '/page/',
      '/page/fleet.html/x',
      '/v1/pods?a?b',
      '/v1/constructor',
      '/__proto__',
      `/v1/pods/${'a'.repeat(9_000)}`,
    ];
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      for (const path of tricks) {
        if (method === 'GET' && path.length > 9_000) continue;
        const head = `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`;
        const [line = ''] = (await raw(served.url, head)).split('\r\n');
        expect(`${method} ${path} ${line}`).toMatch(/ HTTP\/1\.1 (400|404|405|431) /);
      }
    expect(served.reached).toEqual([]);
  });

  it('requests with two ends, two tokens, or odd line ends', async () => {
    await open();
    const post = `POST /v1/pods/p/stop HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\ncontent-type: application/json\r\n`;
    const body = JSON.stringify(TIMEOUT);
    const smuggled = [
      `${post}content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${post}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n`,
      `${post}transfer-encoding: xchunked\r\n\r\n${body}`,
      `${post}content-length: 2\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `${post}content-length: +${body.length}\r\n\r\n${body}`,
      `${post}content-length : ${body.length}\r\n\r\n${body}`,
      `${post}authorization: Bearer ${'a'.repeat(47)}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `${post}x: a\nauthorization: b\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `${post}x: ${'a'.repeat(20_000)}\r\n\r\n`,
    ];
    for (const bytes of smuggled) expect((await raw(served.url, bytes)).split('\r\n')[0]).toMatch(/ 4\d\d /);
    expect(served.reached).toEqual([]);
  });

  it('bodies that are too large, say so or not, and what is no JSON', async () => {
    await open();
    const head = `POST /v1/up HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\n`;
    const json = `${head}content-type: application/json\r\n`;
    const chunk = `3e8\r\n${'a'.repeat(1_000)}\r\n`;
    expect(await raw(served.url, `${json}content-length: 9999999999\r\n\r\n`)).toContain(' 413 ');
    expect(await raw(served.url, `${json}transfer-encoding: chunked\r\n\r\n`, chunk, chunk, chunk)).toContain(
      ' 413 ',
    );
    expect(await raw(served.url, `${head}content-length: 2\r\n\r\n{}`)).toContain(' 415 ');
    expect(await raw(served.url, `${json}content-length: 2\r\n\r\n{x`)).toContain(' 400 ');
    expect(served.reached).toEqual([]);
  });

  it('whoever is slow, in the head and in the body', async () => {
    await open();
    expect(await raw(served.url, 'GET /v1/pods HTTP/1.1\r\nhost: x\r\n')).toContain(' 408 ');
    const head = `POST /v1/up HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{`;
    const slow = await raw(served.url, head);
    expect(slow === '' || slow.includes(' 408 ')).toBe(true);
    expect(served.reached).toEqual([]);
  });

  it('wishes with more in them than one may ask, naming the place', async () => {
    await open();
    const wishes: [object, string][] = [
      [{ ...UP, wish: { ...WISH, env: { A: 'b' } } }, 'wish'],
      [{ ...UP, wish: { ...WISH, name: '../../etc'.repeat(20) } }, 'wish.name'],
      [{ ...UP, wish: { ...WISH, name: 'a\nb' } }, 'wish.name'],
      [{ ...UP, wish: { ...WISH, gpuCount: 1e9 } }, 'wish.gpuCount'],
      [{ ...UP, wish: { ...WISH, volumeMount: 'etc' } }, 'wish.volumeMount'],
      [{ ...UP, launchId: '../x' }, 'launchId'],
      [{ ...UP, timeoutMs: 1e12 }, 'timeoutMs'],
      [{ ...UP, who: 'somebody else' }, 'who'],
    ];
    for (const [body, place] of wishes) {
      const { status, body: said } = await ask(served.url, 'POST', '/v1/up', body, admin);
      expect([status, said.error.code]).toEqual([400, 'usage']);
      expect(said.error.detail.message).toContain(place);
    }
    expect(served.reached).toEqual([]);
  });

  it('names that would be another’s: an invitation names a person plainly', async () => {
    await open();
    for (const name of ['', 'Ann', '__proto__', 'a/b', 'a b', '-a', 'a'.repeat(40)])
      await expect(served.people.invite({ name, role: 'admin' })).rejects.toThrow(AutopodError);
  });
});
