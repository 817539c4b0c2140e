import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { paced } from '../support/pace.ts';
import { sample } from '../support/sample.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const SAID = {
  page: 'what answers is a web page, “Jupyter Server”',
  login: 'what answers is something that asks for a login (HTTP 401)',
  redirect: 'what answers is something that redirects to /login (HTTP 302)',
};

let world: TestWorld;
beforeEach(async () => {
  world = await startWorld();
  const often = { AUTOPOD_KEEPER_TIMINGS: JSON.stringify({ comfyAnsweringMs: 500, comfyDownMs: 500 }) };
  expect((await world.autopod(['up', '--local-port', await freePort()], often)).code).toBe(0);
});
afterEach(() => world.end());

const comfy = async (body: object) => {
  const [podId] = await world.podIds();
  const url = `${world.simulator.controlUrl}/pods/${podId}/comfy`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.ok).toBe(true);
};

const said = sample(2, Object.entries(SAID));

describe('something else at the pod’s port 8188', () => {
  it.each(said)('up says what answers in ComfyUI’s place: %s', async (instead, words) => {
    await comfy({ instead });
    const run = await world.autopod(['up', '--timeout', '2m'], {
      AUTOPOD_TIMINGS: JSON.stringify({ otherAnswerMs: 1_500, comfyPollMs: 300 }),
    });
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(words)]);
    const told = await world.autopod(['comfy', 'status', '--timeout', paced(4), '--json']);
    expect([told.code, JSON.parse(told.stdout).error.code]).toEqual([1, 'comfyElsewhere']);
    const status = await world.autopod(['tunnel', '--status']);
    expect(status.stdout).toContain(words.replace('what answers is ', ''));
  });

  it('a page that is shown while ComfyUI starts does not end up', async () => {
    await comfy({ instead: 'page' });
    const { child, ended } = world.start(['up', '--timeout', '2m']);
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    await comfy({ instead: null });
    expect((await ended).code).toBe(0);
  });
});
