import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createRaw, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { whoAnswers } from '../../src/keeper/comfy-probe.ts';
import { HAS_OPENSSL, selfSigned } from '../support/over-tls.ts';

async function listening(server: Server, folder = temporaryFolder()): Promise<string> {
  const path = join(folder, 'forward');
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return path;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ap-probe-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const answering = (status: number, body: string, headers = {}) =>
  listening(createServer((_, response) => void response.writeHead(status, headers).end(body)));

it.each([
  ['a 200 with a system', 200, '{"system":{"argv":[]},"devices":[{"vram_free":NaN}]}', { kind: 'comfyui' }],
  ['a 502 of what stands before it', 502, '<title>502 Bad Gateway</title>', { kind: 'nobody' }],
  ['a 500', 500, 'Server got itself in trouble', { kind: 'nobody' }],
  ['a page', 200, '<html><TITLE>Files</TITLE>', { kind: 'other', what: 'a web page, “Files”' }],
  ['a page without a title', 200, '<html>', { kind: 'other', what: 'a web page' }],
  ['other JSON', 200, '{"ok":true}', { kind: 'other', what: 'something that is not ComfyUI (HTTP 200)' }],
  ['a 404', 404, '', { kind: 'other', what: 'something that has no /system_stats (HTTP 404)' }],
  [
    'a plain request to HTTPS',
    400,
    'The plain HTTP request was sent to HTTPS port',
    { kind: 'other', what: 'something that wants HTTPS (HTTP 400)' },
  ],
])('%s', async (_title, status, body, answerer) => {
  expect(await whoAnswers(await answering(status, body))).toEqual(answerer);
});

it('where a login is asked for, or leads elsewhere, it says so', async () => {
  expect(await whoAnswers(await answering(401, ''))).toEqual({
    kind: 'other',
    what: 'something that asks for a login (HTTP 401)',
  });
  expect(await whoAnswers(await answering(302, '', { location: '/login' }))).toEqual({
    kind: 'other',
    what: 'something that redirects to /login (HTTP 302)',
  });
});

it.runIf(HAS_OPENSSL)('a server that speaks TLS wants HTTPS', async () => {
  const folder = temporaryFolder();
  const { key, certificate } = selfSigned(folder);
  const server = createSecure({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) =>
    response.end('{"system":{}}'),
  );
  expect(await whoAnswers(await listening(server, folder))).toEqual({
    kind: 'other',
    what: 'something that wants HTTPS',
  });
});

it('one that closes each connection, or is not there, is nobody', async () => {
  const closing = await listening(createRaw((socket) => void socket.destroy()));
  expect(await whoAnswers(closing)).toEqual({ kind: 'nobody' });
  expect(await whoAnswers(join(temporaryFolder(), 'none'))).toEqual({ kind: 'nobody' });
});
