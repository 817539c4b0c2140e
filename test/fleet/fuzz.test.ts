import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/fleet/people/tokens.ts';
import { type BareGateway, bareGateway, raw } from './support/gateway.ts';

const KILL = JSON.stringify({ timeoutMs: 60_000 });
/** Hidden in what comes before it, for whoever reads that otherwise than a proxy in front has. */
const hidden = (token: string) =>
  `POST /v1/pods/victim/kill HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${KILL.length}\r\nconnection: close\r\n\r\n${KILL}`;

/** Rows: what it is, and the bytes after a head that is good up to there. */
const FRAMED_OTHERWISE: [string, (more: string) => string][] = [
  [
    'a length and chunks',
    (more) => `content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${more}`,
  ],
  [
    'chunks and a length',
    (more) => `transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${more}`,
  ],
  ['two lengths that differ', (more) => `content-length: 0\r\ncontent-length: ${more.length}\r\n\r\n${more}`],
  ['the same length twice', (more) => `content-length: 0\r\ncontent-length: 0\r\n\r\n${more}`],
  ['a list of lengths', (more) => `content-length: 0, 0\r\n\r\n${more}`],
  ['a length below nothing', (more) => `content-length: -1\r\n\r\n${more}`],
  ['a length with a sign', (more) => `content-length: +0\r\n\r\n${more}`],
  ['a length in hexadecimal', (more) => `content-length: 0x0\r\n\r\n${more}`],
  ['a length beyond all numbers', (more) => `content-length: 18446744073709551616\r\n\r\n${more}`],
  ['an empty length', (more) => `content-length: \r\n\r\n${more}`],
  ['a length in two words', (more) => `content-length: 0 0\r\n\r\n${more}`],
  ['a length before a blank', (more) => `content-length : 0\r\n\r\n${more}`],
  ['a length on a folded line', (more) => `x: y\r\n content-length: ${more.length}\r\n\r\n${more}`],
  ['an encoding on a folded line', (more) => `transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n${more}`],
  ['an encoding nobody knows', (more) => `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${more}`],
  ['no encoding by name', (more) => `transfer-encoding: identity\r\n\r\n${more}`],
  ['chunks that are not last', (more) => `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${more}`],
  ['chunks twice', (more) => `transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${more}`],
  [
    'two encodings',
    (more) => `transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n${more}`,
  ],
  [
    'an encoding with a control in its name',
    (more) => `transfer-encoding\x0b: chunked\r\n\r\n0\r\n\r\n${more}`,
  ],
  ['an encoding with a control in it', (more) => `transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n${more}`],
  ['a zero in a header', (more) => `x: a\0b\r\n\r\n${more}`],
  ['a header without a name', (more) => `: chunked\r\n\r\n${more}`],
  ['a line that ends with LF', (more) => `x: y\ncontent-length: 0\r\n\r\n${more}`],
  ['a line that ends with CR', (more) => `x: y\rcontent-length: 0\r\n\r\n${more}`],
  ['a head that ends with LF', (more) => `x: y\n\n${more}`],
  ['a chunk of a size that is none', (more) => `transfer-encoding: chunked\r\n\r\nx\r\n\r\n${more}`],
  [
    'a chunk of a size beyond all numbers',
    (more) => `transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n${more}`,
  ],
  ['a chunk with a sign', (more) => `transfer-encoding: chunked\r\n\r\n+0\r\n\r\n${more}`],
  [
    'a chunk that is longer than it says',
    (more) => `transfer-encoding: chunked\r\n\r\n1\r\n${more}\r\n0\r\n\r\n`,
  ],
  [
    'an extension of a chunk that ends with LF',
    (more) => `transfer-encoding: chunked\r\n\r\n2;\n{}\r\n${more}`,
  ],
  [
    'an extension of a chunk without end',
    (more) => `transfer-encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n${more}`,
  ],
];

/** Whole requests with a good token: what they are, and their bytes before the line that ends the head. */
const ODD_REQUESTS: [string, (auth: string) => string][] = [
  ['an absolute address', (auth) => `GET http://x/v1/pods HTTP/1.1\r\nhost: x\r\n${auth}`],
  [
    'an absolute address of the engine',
    (auth) => `POST http://127.0.0.1:9070/query HTTP/1.1\r\nhost: x\r\n${auth}`,
  ],
  ['an address of a socket', (auth) => `GET unix:/run/admin.sock:/health HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['a way through', (auth) => `CONNECT 127.0.0.1:9070 HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['a way through to a path', (auth) => `CONNECT /v1/pods HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['the head of HTTP/2', (auth) => `PRI * HTTP/2.0\r\n${auth}`],
  ['HTTP/0.9', () => 'GET /v1/pods\r\n'],
  ['a version there is none of', (auth) => `GET /v1/pods HTTP/3.7\r\nhost: x\r\n${auth}`],
  ['a version in small letters', (auth) => `GET /v1/pods http/1.1\r\nhost: x\r\n${auth}`],
  ['a method in small letters', (auth) => `get /v1/pods HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['a method with a path in it', (auth) => `GET/v1/pods HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['a tab before the path', (auth) => `GET\t/v1/pods HTTP/1.1\r\nhost: x\r\n${auth}`],
  ['two hosts', (auth) => `GET /v1/pods HTTP/1.1\r\nhost: x\r\nhost: y\r\n${auth}`],
  ['no host', (auth) => `GET /v1/pods HTTP/1.1\r\n${auth}`],
  ['two tokens', (auth) => `GET /v1/pods HTTP/1.1\r\nhost: x\r\n${auth}authorization: Bearer x\r\n`],
  [
    'a token on a folded line',
    (auth) => `GET /v1/pods HTTP/1.1\r\nhost: x\r\n${auth.replace('Bearer ', 'Bearer\r\n ')}`,
  ],
  [
    'another method meant',
    (auth) => `GET /v1/pods/p/kill HTTP/1.1\r\nhost: x\r\nx-http-method-override: POST\r\n${auth}`,
  ],
  [
    'another path meant',
    (auth) =>
      `GET /nothing HTTP/1.1\r\nhost: x\r\nx-original-url: /v1/pods\r\nx-rewrite-url: /v1/pods\r\n${auth}`,
  ],
];

let gateway: BareGateway;
let admin: string;
const ends: (() => void | Promise<void>)[] = [];
beforeAll(async () => {
  gateway = await bareGateway((end) => ends.push(end));
  admin = await gateway.token('admin');
});
beforeEach(() => {
  gateway.reached.length = 0;
});
afterAll(() => Promise.all(ends.map((end) => end())));

describe('what a proxy in front may have read otherwise', () => {
  const head = () => `GET /v1/pods HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin}\r\n`;

  it('has a second request behind it where it is plain: this is what the others hide', async () => {
    const answered = await raw(gateway.url, `${head()}\r\n${hidden(admin)}`);
    expect(answered.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect([...gateway.reached].sort()).toEqual(['ask', 'list']);
  });

  it.each(FRAMED_OTHERWISE)('%s: is refused, and what stands behind it is not read', async (_, framed) => {
    const answered = await raw(gateway.url, head() + framed(hidden(admin)));
    expect(answered).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answered.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(gateway.reached).toEqual([]);
  });

  it.each(ODD_REQUESTS)('%s: is refused', async (_, odd) => {
    const auth = `authorization: Bearer ${admin}\r\nconnection: close\r\n`;
    expect(await raw(gateway.url, `${odd(auth)}\r\n`)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(gateway.reached).toEqual([]);
  });

  it.each(['websocket', 'h2c', 'TLS/1.2'])('an upgrade to %s is none', async (protocol) => {
    const upgrade = `upgrade: ${protocol}\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABk\r\n`;
    const answered = await raw(
      gateway.url,
      `${head()}${upgrade}\r\n`,
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden(admin)}`,
    );
    expect(answered).not.toContain(' 101 ');
    expect(gateway.reached).not.toContain('ask');
  });
});

const SEGMENTS = [
  ...[
    'v1',
    'v2',
    'V1',
    'v1;x',
    'pods',
    'Pods',
    'launches',
    'history',
    'me',
    'up',
    'login',
    'p',
    'kill',
    'stop',
  ],
  ...[
    'pod',
    'work',
    'settled',
    'rang',
    'schedule',
    'begin',
    'ask',
    'read',
    'told',
    'restate',
    'invoke',
    'send',
  ],
  ...['query', 'deployments', 'services', 'invocations', 'health', 'introspection', 'openapi', 'internal'],
  ...[
    '..',
    '.',
    '...',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '%c0%ae',
    '%00',
    '%2f',
    '%5c',
    '%',
    'ü',
    '~',
    '*',
  ],
  ...['__proto__', 'constructor', 'toString', ';', ';jsessionid=1', '@x', ':80', '', '#', 'a'.repeat(300)],
];
const strange = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...SEGMENTS) }, fc.string({ maxLength: 8 })), {
      minLength: 1,
      maxLength: 7,
    }),
    fc.constantFrom('/', '/', '/', '//', '\\', '/./', '%2f', '%2F', ';/'),
    fc.constantFrom('', '', '?', '?pod=p', '?a?b', '#x', '/', '/..', '%20'),
  )
  .map(([names, between, end]) => `/${names.join(between)}${end}`)
  // What breaks the line is another request, and has tests of its own.
  .map((path) => path.replace(/[\s\0]/g, ''));
const KNOWN = [
  '/v1/me',
  '/v1/pods',
  '/v1/pods/p',
  '/v1/pods/p/kill',
  '/v1/pods/p/stop',
  '/v1/history',
  '/v1/launches/p',
  '/v1/up',
  '/v1/login',
  '/v2/pods',
  '/v2/pods/p',
  '/v2/catalog/gpus',
  '/v2/network-volumes',
  '/v2/pods/p/logs',
  '/v1/looks',
];
const known = fc.constantFrom(...KNOWN);
/** A path there is, with something put into it somewhere. */
const changed = fc
  .tuple(known, fc.constantFrom(...SEGMENTS, '/', '//', '\\', '?', '%20', '\u0301'), fc.nat(20))
  .map(([path, piece, at]) => path.slice(0, at) + piece + path.slice(at));
const paths = fc.oneof(strange, changed, known);
const methods = fc.constantFrom(
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
);
const bodies = fc.oneof(
  fc.constantFrom(
    KILL,
    '{}',
    '[]',
    'null',
    '"x"',
    '{"__proto__":{"timeoutMs":60000}}',
    '{"timeoutMs":1e999}',
  ),
  fc.constant(`{"timeoutMs":60000,"constructor":{"prototype":{}}}`),
  fc.constant('['.repeat(1_500)),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 40 }),
);

/** What there is for those who only look, as it is written; and for all others. */
const SEEN = /^GET \/v1\/(me|pods|history|looks|(pods|launches)\/[\w:.-]+)(\?.*)?$/;
const DONE =
  /^(POST \/v1\/pods\/[\w:.-]+\/(start|stop|restart|kill)|GET \/v2\/(catalog\/\w+|network-volumes|pods(\/[\w:.-]+(\/logs)?)?))(\?.*)?$/;

/** One request with that body; the answer's status, undefined where the connection ends without. */
async function status(
  { url }: BareGateway,
  [method, path, body]: [string, string, string],
  authorization: string,
): Promise<number | undefined> {
  const length = Buffer.byteLength(body);
  const head = `${method} ${path} HTTP/1.1\r\nhost: x\r\n${authorization}content-type: application/json\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;
  const [, told] =
    /^HTTP\/1\.1 (\d+)/.exec(await raw(url, head + Buffer.from(body).toString('latin1'))) ?? [];
  return told === undefined ? undefined : Number(told);
}

const requests = fc
  .tuple(methods, paths, bodies)
  .map(([method, path, body]): [string, string, string] => [method, path, method === 'GET' ? '' : body]);

describe('whatever is asked', () => {
  it('without a token that is good, nothing is done and nothing is told', async () => {
    const gone = await gateway.token('admin');
    await gateway.people.remove('p2');
    const invite = await gateway.people.invite({ name: 'late', role: 'admin' });
    const bad = fc.oneof(
      fc.constantFrom(
        '',
        gone,
        invite,
        digestOf(admin),
        admin.slice(1),
        `${admin}=`,
        `x ${admin}`,
        `${admin},${admin}`,
      ),
      fc
        .nat(admin.length - 1)
        .map((at) => admin.slice(0, at) + (admin[at] === 'A' ? 'B' : 'A') + admin.slice(at + 1)),
      fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
    );
    const schemes = fc.constantFrom('Bearer', 'bearer', 'Basic', 'Token', '');
    await fc.assert(
      fc.asyncProperty(requests, bad, schemes, async (request, token, scheme) => {
        const told = await status(gateway, request, `authorization: ${scheme} ${token}\r\n`);
        expect(told === undefined || (told >= 400 && told < 500), `${request} ${told}`).toBe(true);
      }),
      { numRuns: 200 },
    );
    expect(gateway.reached).toEqual([]);
  });

  it.each([
    ['viewer', [SEEN]],
    ['admin', [SEEN, DONE]],
  ] as const)('whoever is %s takes no path but those that are written down', async (role, taken) => {
    const authorization = `authorization: Bearer ${await gateway.token(role)}\r\n`;
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const [method, path] = request;
        const before = gateway.reached.length;
        const told = await status(gateway, request, authorization);
        expect(told === undefined || told < 500, `${request} ${told}`).toBe(true);
        if (told === 200) answered += 1;
        if (taken.some((pattern) => pattern.test(`${method} ${path}`))) return;
        expect([told === 200, gateway.reached.slice(before)], `${request}`).toEqual([false, []]);
      }),
      { numRuns: 300 },
    );
    expect(answered).toBeGreaterThan(0);
  });
});
