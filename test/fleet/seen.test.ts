import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Look } from '../../src/inspector/watch.ts';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember } from './support/fleet.ts';
import { type Laptop, laptopOf } from './support/laptop.ts';

/** What is streamed at a path of the gateway, event by event. */
function streamed<T>(
  url: string,
  path: string,
  token: string,
): T[] & { end: () => void; isOver: () => boolean } {
  const seen: T[] = [];
  let isOver = false;
  const asked = request(
    `${url}${path}`,
    { agent: false, headers: { authorization: `Bearer ${token}` } },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) {
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (data) seen.push(JSON.parse(data));
        }
      });
      response.once('close', () => {
        isOver = true;
      });
    },
  );
  asked.once('error', () => undefined).end();
  return Object.assign(seen, { end: () => void asked.destroy(), isOver: () => isOver });
}

describe.skipIf(!isWholeAsked)('what members see of a fleet', () => {
  let fleet: TestFleet;
  let ann: TestMember;
  let laptop: Laptop;
  let podId = '';
  let launchId = '';

  beforeAll(async () => {
    fleet = await startFleet();
    ann = await fleet.member('ann');
    laptop = await laptopOf(fleet, 'bob');
    ({ launchId } = (await ann.up()).launch);
    podId = (await ann.reaches(launchId, 'ready')).podId ?? '';
  });
  afterAll(() => fleet.end());

  it('logs: the lines that RunPod has, as of a pod of this machine', async () => {
    const here = await fleet.autopod(['logs', podId, '--container', '--tail', '3']);
    const there = await laptop.autopod('logs', 'studio', '--container', '--tail', '3');
    expect(there, there.stderr).toMatchObject({ code: 0, stdout: here.stdout });
    expect(there.stdout.trim().split('\n')).toHaveLength(3);
    const [line = ''] = (await laptop.autopod('logs', podId, '--tail', '1', '--json')).stdout.split('\n');
    expect(Object.keys(JSON.parse(line))).toEqual(['at', 'source', 'line']);
  });

  it('logs -f: goes on as lines come', async () => {
    const { child, ended } = laptop.start('logs', '-f', podId, '--container', '--tail', '0');
    const say = (line: string) =>
      fetch(`${fleet.simulator.controlUrl}/pods/${podId}/log`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ source: 'container', lines: [line] }),
      });
    let told = '';
    child.stdout?.on('data', (bytes) => {
      told += bytes;
    });
    let count = 0;
    await until('a line that came meanwhile', async () => {
      count += 1;
      await say(`line ${count}`);
      return told.includes('line ');
    });
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  it('extend: gives it more time, by the fleet’s clock and in every view', async () => {
    const { code, stdout } = await laptop.autopod('extend', 'studio', '2h', '--json');
    expect(code).toBe(0);
    const stopAt = Date.parse(JSON.parse(stdout).stopAt);
    expect(stopAt).toBeGreaterThan(Date.now() + 7_000_000);
    expect((await laptop.autopod('extend', 'studio', '1h')).stdout).toContain('The fleet stops');
    const later = JSON.parse((await laptop.autopod('info', 'studio', '--json')).stdout).stopAt;
    expect(Date.parse(later)).toBe(stopAt + 3_600_000);
    expect((await laptop.autopod('extend', 'studio', 'soon')).code).toBe(2);
  });

  it('logs: of no pod that is not the fleet’s, and nothing for those who only look', async () => {
    const other = await fleet.autopod(['up', '--new', '--no-tunnel', '--name', 'private', '--json']);
    const { podId: secret } = JSON.parse(other.stdout);
    expect((await ann.get(`/v2/pods/${secret}/logs?tail=5`)).status).toBe(404);
    expect((await ann.get(`/v2/pods/${podId}/logs?tail=5&env=1`)).status).toBe(400);
    expect((await laptop.autopod('logs', secret)).code).toBe(1);
    const eve = await fleet.member('eve', 'viewer');
    expect((await eve.get(`/v2/pods/${podId}/logs?tail=5`)).status).toBe(403);
    await fleet.autopod(['kill', secret, '--yes']);
  });

  it('inspect: serves the fleet’s machines on this machine, with whose they are, as they move', async () => {
    const { child, ended } = laptop.start('inspect', 'studio', '--no-open', '--json');
    const [line] = await once(child.stdout ?? child, 'data');
    const { url } = JSON.parse(line);
    expect(url).toContain(`#pod/${launchId}`);
    const [page = ''] = url.split('#');
    expect(await (await fetch(page)).text()).toContain('autopod inspector');
    const looks = streamed<Look>(page, 'events', '');
    const pod = () => looks.at(-1)?.subjects.find(({ id }) => id === `pod/${launchId}`);
    await until('the pod', () => pod()?.state === 'ready');
    expect(pod()?.facts).toMatchObject({ owner: 'ann', podId });
    await ann.post(`/v1/pods/${podId}/stop`);
    await until('stopped', () => pod()?.state === 'stopped');
    const told = looks.flatMap(({ entries }) => entries);
    expect(told.find(({ event }) => event === 'stop.requested')).toMatchObject({ who: 'ann' });
    expect(JSON.stringify(looks)).not.toContain('sim-key');
    looks.end();
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  it('a stream ends with the token it was asked with, and nobody has more than a few', async () => {
    const dan = await fleet.member('dan');
    const looks = Array.from({ length: 8 }, () => streamed<Look>(fleet.url, '/v1/looks', dan.token));
    await until('all look', () => looks.every(({ length }) => length > 0));
    expect((await dan.get('/v1/looks')).status).toBe(429);
    expect((await ann.get('/v1/me')).status).toBe(200);
    await fleet.autopod(['serve', 'remove', 'dan']);
    await until('all have ended', () => looks.every(({ isOver }) => isOver()));
    expect((await dan.get('/v1/looks')).status).toBe(401);
  });

  it.each([
    [['--fleet', 'URL', 'config', 'path'], 'Leave --fleet out'],
    [['--fleet', 'URL', 'doctor'], 'Leave --fleet out'],
  ])('%j is refused by name, with what to do', async (args, next) => {
    const { code, stderr } = await laptop.autopod(...args.map((word) => (word === 'URL' ? fleet.url : word)));
    expect([code, stderr]).toEqual([2, expect.stringContaining('knows nothing of the pods of a fleet')]);
    expect(stderr).toContain(next);
  });
});
