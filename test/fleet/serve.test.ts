import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { selfSigned } from '../support/over-tls.ts';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import { ask, startFleet, type TestFleet, type TestMember } from './support/fleet.ts';

/** As proc(5) writes 127.0.0.1. */
const LOOPBACK = '0100007F';

/** The addresses at which a process listens with TCP (Linux). */
function listening(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const sockets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return ''; // closed meanwhile
    }
  });
  const lines = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n'),
  );
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === '0A' && sockets.includes(`socket:[${inode}]`) ? [local.split(':')[0] ?? ''] : [];
  });
}

describe.skipIf(!isWholeAsked)('autopod serve', () => {
  let fleet: TestFleet;
  let ann: TestMember;

  beforeAll(async () => {
    fleet = await startFleet();
    ann = await fleet.member('ann');
  });
  afterAll(() => fleet.end());

  it('serves a home once, and says who does', async () => {
    const { code, stdout } = await fleet.autopod(['serve', '--listen', '127.0.0.1:1', '--json']);
    expect([code, JSON.parse(stdout).error]).toMatchObject([
      1,
      { code: 'lockBusy', detail: { pid: fleet.pids().serve } },
    ]);
    expect((await ann.get('/v1/me')).status).toBe(200);
  });

  it('has no ear but on this machine, and its files are closed to others', async () => {
    const { serve, restate } = fleet.pids();
    const ears = [serve, restate].flatMap(listening);
    expect(ears).toHaveLength(2); // the gateway and the worker
    expect(new Set(ears)).toEqual(new Set([LOOPBACK]));
    expect(statSync(fleet.file('restate')).mode & 0o077).toBe(0);
    for (const name of ['people.json', 'identity.pem', 'journal.jsonl', 'serving.json'])
      if (existsSync(fleet.file(name)))
        expect([name, statSync(fleet.file(name)).mode & 0o077]).toEqual([name, 0]);
  });

  it.each([
    [['--listen', '0.0.0.0:7433'], 'certificate'],
    [['--cert', '/nowhere.pem'], '--cert-key'],
    [['--cert', '/nowhere.pem', '--cert-key', '/nowhere.pem'], '/nowhere.pem'],
    [['--listen', 'x'], '127.0.0.1:7433'],
    [['--url', 'http://pods.example.org'], 'https'],
    [['invite', 'Ann Miller'], 'Ann Miller'],
    [['invite', 'ann', '--role', 'king'], 'viewer'],
    [['remove', 'nobody'], 'nobody'],
  ])('refuses %j, and changes nothing', async (args, named) => {
    const { code, stderr } = await fleet.autopod(['serve', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(named)]);
  });

  it('tells how it stands, and who may use it', async () => {
    const { code, stdout } = await fleet.autopod(['serve', 'status', '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { isServed: true, url: fleet.url, pid: fleet.pids().serve, engine: { isAnswering: true, stuck: 0 } },
    ]);
    expect((await fleet.autopod(['serve', 'people'])).stdout).toMatch(/ann +member +1/);
    expect((await fleet.autopod(['serve', '--unit'])).stdout).toContain(`AUTOPOD_HOME="${fleet.home}"`);
  });

  it('speaks HTTPS with the certificate it is given, and a login trusts no other', async () => {
    const folder = mkdtempSync(join(fleet.home, 'tls-'));
    const { certificate, key } = selfSigned(folder);
    const AUTOPOD_HOME = mkdtempSync(join(fleet.home, 'other-'));
    const address = `127.0.0.1:${await freePort()}`;
    const { child, ended } = fleet.start(
      ['serve', '--listen', address, '--cert', certificate, '--cert-key', key, '--json'],
      { AUTOPOD_HOME },
    );
    await once(child.stdout ?? child, 'data');
    const invited = await fleet.autopod(['serve', 'invite', 'bob', '--json'], { AUTOPOD_HOME });
    const { url } = JSON.parse(invited.stdout);
    expect(url).toMatch(/^https:/);
    const untrusted = (await fleet.autopod(['login', url])).stderr;
    expect(untrusted).toContain(`The certificate of ${new URL(url).host} is not trusted`);
    expect(untrusted).toContain('NODE_EXTRA_CA_CERTS');
    const trusting = { NODE_EXTRA_CA_CERTS: certificate, AUTOPOD_HOME };
    const login = await fleet.autopod(['login', url], trusting);
    expect(login, login.stderr).toMatchObject({ code: 0 });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('is backed up while it is not served, and goes on from the backup', async () => {
    const { launch } = await ann.up();
    const { podId } = await ann.reaches(launch.launchId, 'ready');
    const file = join(fleet.home, 'backup.tar.gz');
    expect((await fleet.autopod(['serve', 'backup', file, '--json'])).stdout).toContain('lockBusy');
    process.kill(fleet.pids().serve, 'SIGTERM');
    await until('it is not served', async () => (await fleet.autopod(['serve', 'status'])).code === 1);
    expect((await fleet.autopod(['serve', 'backup', file])).code).toBe(0);
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const name of readdirSync(fleet.file())) rmSync(fleet.file(name), { recursive: true });
    execFileSync('tar', ['-xzf', file, '-C', fleet.home]);

    await fleet.serveAgain();
    expect((await ann.get('/v1/pods')).body.pods).toMatchObject([{ podId, state: 'ready', owner: 'ann' }]);
    await ann.post(`/v1/pods/${podId}/kill`);
    await ann.reaches(launch.launchId, 'terminated');
    expect(await fleet.podIds()).toEqual([]);
    expect((await ask(fleet.url, 'GET', '/v1/me')).status).toBe(401);
  });
});
