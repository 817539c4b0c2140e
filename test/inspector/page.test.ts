import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { startWorld, type TestWorld } from '../support/world.ts';
import { hasChromium, keepPictures, launchChromium, type OpenPage, openPage } from './support/browser.ts';

let world: TestWorld;
let inspecting: ChildProcess;
let browser: Browser;
let opened: OpenPage;

const BIRTH = [
  'reconciling',
  'creating.validatingVolume',
  'creating.volumeValidated',
  'creating.placing',
  'booting',
  'startingComfyUI',
  'ready',
];

const status = () => opened.page.locator('#status').textContent();
const shows = (state: string) => until(`the page shows ${state}`, async () => (await status()) === state);
const choose = (kind: string) => opened.page.locator(`[data-subject^="${kind}/"]`).first().click();
/** The wanted states came in this order, whatever else came between. */
function expectOrder(seen: string[], wanted: string[]): void {
  let at = -1;
  for (const state of wanted) {
    at = seen.indexOf(state, at + 1);
    expect(at, `${state} in its turn, among ${seen}`).toBeGreaterThanOrEqual(0);
  }
}

describe.runIf(hasChromium)('the page in a browser', () => {
  beforeAll(async () => {
    world = await startWorld();
    inspecting = world.start(['inspect', '--no-open', '--json']).child;
    const [line] = await once(inspecting.stdout as NodeJS.ReadableStream, 'data');
    browser = await launchChromium();
    opened = await openPage(browser, JSON.parse(line).url);
  });
  afterAll(async () => {
    await browser?.close();
    await world?.end();
  });

  it('says how to begin when nothing has happened', async () => {
    await opened.page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
    await until('live', async () => (await opened.page.locator('#connection').textContent()) === 'live');
  });

  it('up: the pod comes up by itself, and its states light up one after the other', async () => {
    // The picture shows the port that is usual, if nobody has it.
    const port = process.env.INSPECTOR_PICTURE ? 'auto' : await freePort();
    const run = world.autopod(['up', '--local-port', port]);
    await shows('ready');
    expect((await run).code).toBe(0);
    const seen = await opened.litInOrder();
    expectOrder(seen, BIRTH);
    expect(await opened.page.locator('.transition.last').getAttribute('data-to')).toBe('ready');
    await keepPictures(opened.page, 'pod');
    await until(
      'the tunnel is listed',
      async () => (await opened.page.locator('.subject.tunnel').count()) > 0,
    );
  });

  it('ssh killed: the tunnel is seen dead, recreating and healthy again', async () => {
    await choose('tunnel');
    await shows('healthy');
    await opened.litInOrder();
    const { tunnels } = JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout);
    expect(signal(tunnels[0].sshPid, 'SIGKILL')).toBe(1);
    const seen: string[] = [];
    await until('healthy again', async () => {
      seen.push(...(await opened.litInOrder()));
      return seen.includes('recreating') && seen.at(-1) === 'healthy';
    });
    expectOrder(seen, ['dead', 'recreating', 'healthy']);
    const log = await opened.page.locator('#log').innerText();
    await keepPictures(opened.page, 'tunnel');
    // For the README: INSPECTOR_PICTURE=docs/images/inspector.png
    const { INSPECTOR_PICTURE: path } = process.env;
    if (path) await opened.page.screenshot({ path });
    expect(log).toMatch(/dead[\s\S]*sshUnreachable/);
  });

  it('the keeper killed and started again: the page goes on with the next one', async () => {
    const fact = () => opened.page.locator('#advice').innerText();
    const before = await fact();
    signal(world.keeperPids(), 'SIGKILL');
    await until('another keeper', async () => {
      const now = await fact();
      return now !== before && /Process \d+ is working on it/.test(now);
    });
    await shows('healthy');
  });

  it('a step back shows the chart as it stood then, and Escape comes back to now', async () => {
    await choose('pod');
    await opened.litInOrder();
    await opened.page.getByRole('button', { name: /booting placePod\.done/ }).click();
    expect(await status()).toBe('booting');
    expect(await opened.page.locator('.state.lit').last().getAttribute('data-state')).toBe('booting');
    expect(await opened.page.locator('.transition.last').getAttribute('data-from')).toBe('creating.placing');
    await opened.page.keyboard.press('ArrowLeft');
    expect(await status()).toBe('creating.placing');
    expect(await opened.page.locator('.state.lit').count()).toBe(2);
    await opened.page.keyboard.press('ArrowRight');
    expect(await status()).toBe('booting');
    expect(await opened.page.locator('[data-subject^="tunnel/"]').innerText()).toContain('not begun');
    await opened.page.keyboard.press('Escape');
    expect(await status()).toBe('ready');
  });

  it('shows the context without secrets', async () => {
    const facts = await opened.page.locator('#facts').innerText();
    expect(facts).toContain('runpod/comfyui:latest');
    expect(await opened.page.content()).not.toContain('sim-key');
  });

  it('has two themes, and keeps the one that was chosen', async () => {
    const colour = () => opened.page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await colour();
    await opened.page.getByRole('button', { name: 'Dark theme' }).click();
    expect(await colour()).not.toBe(light);
    await opened.page.reload();
    await shows('ready');
    expect(await colour()).not.toBe(light);
    await opened.page.getByRole('button', { name: 'Light theme' }).click();
  });

  it('can be read at the width of a phone: nothing sticks out, and the lit state is in view', async () => {
    await opened.page.setViewportSize({ width: 390, height: 844 });
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await until('the lit state in its frame', () =>
      opened.page.evaluate(`(() => {
        const frame = document.getElementById('chart').getBoundingClientRect();
        const lit = document.querySelector('.state.lit').getBoundingClientRect();
        return lit.left >= frame.left && lit.right <= frame.right && lit.top >= frame.top && lit.bottom <= frame.bottom;
      })()`),
    );
    await opened.page.setViewportSize({ width: 1440, height: 1000 });
  });

  it('can be worked by keyboard and by screen reader', async () => {
    const { page } = opened;
    for (const role of ['banner', 'navigation', 'main', 'group'] as const)
      expect(await page.getByRole(role).count(), role).toBe(1);
    const tree = await page.locator('body').ariaSnapshot();
    for (const part of [
      'img "pod@1: ready',
      'region "Statechart"',
      'heading "Events"',
      'button "Now" [pressed]',
    ])
      expect(tree).toContain(part);
    expect(tree).not.toMatch(/- button(:|$)/m);
    await page.locator('[data-subject^="tunnel/"]').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('h2#title').textContent()).toContain('Tunnel localhost:');
    expect(await page.evaluate('document.activeElement.dataset.subject')).toMatch(/^tunnel\//);
  });

  it('kill: the pod stays as past, told by the journal alone', async () => {
    await choose('pod');
    expect((await world.autopod(['kill', '--yes'])).code).toBe(0);
    await shows('terminated');
    await opened.page.locator('.subject.pod.past').waitFor();
    expect(await opened.page.locator('#facts-note').innerText()).toContain('No record');
  });

  it('a failure is shown with its reason and what to do', async () => {
    const run = await world.autopod(['up', '--volume-id', 'nope', '--local-port', await freePort()]);
    expect(run.code).toBe(2);
    await opened.page.locator('.subject.pod:not(.past)').click();
    await shows('failed');
    const advice = await opened.page.locator('#advice').innerText();
    expect(advice).toContain('There is no network volume nope');
    expect(advice).toContain('→ Name one with --volume-id');
    await keepPictures(opened.page, 'failure');
    expect(await opened.page.locator('.to-failure.last').getAttribute('data-from')).toBe(
      'creating.validatingVolume',
    );
  });

  it('all that time there was no error, and no request left this machine', async () => {
    expect(opened.complaints).toEqual([]);
  });

  it('when the inspector ends, the page says so', async () => {
    inspecting.kill('SIGINT');
    expect(await once(inspecting, 'exit')).toEqual([0, null]);
    await opened.page.getByText('not connected; is autopod inspect still running?').waitFor();
  });
});
