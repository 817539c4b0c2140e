import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import { until } from '../support/until.ts';
import { hasChromium, launchChromium, openPage } from './support/browser.ts';
import { podRecord, type Scene, startScene, tunnelView } from './support/scene.ts';

let browser: Browser;

async function open(scene: Scene, hash = ''): Promise<Page> {
  const { page, complaints } = await openPage(browser, `${scene.inspector.url}${hash}`);
  onTestFinished(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });
  await page.locator('.subject, .notice').first().waitFor();
  return page;
}

const text = (page: Page, selector: string) => page.locator(selector).innerText();
/** Each row of a list: its name, and `under` when it is indented. */
const rows = (page: Page, list: string) =>
  page.locator(`${list} .subject`).evaluateAll((buttons) =>
    buttons.map((button) => {
      const { dataset, className } = button as unknown as { dataset: { subject: string }; className: string };
      return `${dataset.subject}${/\bunder\b/.test(className) ? ' (under)' : ''}`;
    }),
  );
/** Whether the selected row is within its list. */
const isSelectedInView = (page: Page) =>
  page.evaluate(`(() => {
    const row = document.querySelector('.subject[aria-current]')?.getBoundingClientRect();
    if (!row) return false;
    const nav = document.querySelector('nav').getBoundingClientRect();
    return row.top >= nav.top - 1 && row.bottom <= nav.bottom + 1 && row.left >= nav.left - 1 && row.right <= nav.right + 1;
  })()`);

describe.runIf(hasChromium)('the list of pods and tunnels', () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it('a click counts, though traffic changes what is shown while the button is held', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a'), b: podRecord('b') };
    scene.tunnels = [tunnelView('a'), tunnelView('b', { localPort: 8189 })];
    const page = await open(scene, '#tunnel/a');
    await page.locator('[data-subject="tunnel/b"]').hover();
    await page.mouse.down();
    for (const bytesIn of [1_000, 2_000]) {
      scene.tunnels = scene.tunnels.map((view) => ({ ...view, bytesIn }));
      await until('the traffic is shown', async () => (await text(page, '#facts')).includes(String(bytesIn)));
    }
    await page.mouse.up();
    expect(await text(page, '#title')).toContain('localhost:8189');
  });

  it('an event keeps the focus when another one comes in', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a') };
    await scene.tell('pod@1', 'a', ['saved', 'begun', 'reconciling']);
    const page = await open(scene);
    await page.getByRole('button', { name: /reconciling begun from saved/ }).focus();
    await scene.tell('pod@1', 'a', ['reconciling', 'lookForPod.done', 'booting']);
    await page.getByRole('button', { name: /booting lookForPod\.done/ }).waitFor();
    expect(await page.evaluate('document.activeElement.innerText')).toContain('begun from saved');
  });

  it('has each tunnel under its pod, and what is past tucked away by number', async () => {
    const scene = await startScene();
    await scene.tell('pod@1', 'old', ['terminating', 'terminatePod.done', 'terminated']);
    await scene.tell('tunnel@1', 'gone', ['stopping', 'closeForward.done', 'stopped']);
    scene.pods = { a: podRecord('a'), b: podRecord('b') };
    await scene.tell('tunnel@1', 'b', ['stopping', 'closeForward.done', 'stopped']);
    scene.tunnels = [tunnelView('a')];
    const page = await open(scene);
    await page.locator('[data-subject="pod/a"]').waitFor();
    expect(await rows(page, '#subjects')).toEqual(['pod/a', 'tunnel/a (under)', 'pod/b', 'tunnel/b (under)']);
    expect(await rows(page, '#past-subjects')).toEqual(['tunnel/gone', 'pod/old']);
    expect(await text(page, '#past-count')).toBe('past: 2');
    expect(await page.locator('[data-subject="pod/old"]').isVisible()).toBe(false);
    await page.getByText('past: 2').click();
    await page.locator('[data-subject="pod/old"]').click();
    expect(await text(page, '#since')).toMatch(/^was terminated when last heard of, \d/);
  });

  it('with many pods it stays within its place, and has the selected one in view', async () => {
    const scene = await startScene();
    const ids = Array.from({ length: 30 }, (_, n) => `p${n}-with-a-rather-long-name-of-its-own`);
    scene.pods = Object.fromEntries(ids.map((id) => [id, podRecord(id)]));
    scene.tunnels = ids.map((id, n) => tunnelView(id, { localPort: 8200 + n }));
    for (let n = 0; n < 40; n++)
      await scene.tell('pod@1', `old${n}`, ['terminating', 'terminatePod.done', 'terminated']);
    for (const hash of ['#pod/old3', `#tunnel/${ids[29]}`]) {
      const page = await open(scene, hash);
      await page.locator('.subject[aria-current]').waitFor();
      for (const [width, height] of [
        [1280, 800],
        [390, 844],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.reload();
        await until('the selected one in view', () => isSelectedInView(page));
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        const nav = await page.locator('nav').boundingBox();
        expect(nav?.height).toBeLessThanOrEqual(height * 0.4 + 1);
      }
    }
  });

  it('marks a transition that is possible anywhere', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a', { value: 'reconciling' }) };
    scene.tunnels = [tunnelView('a', { state: 'stopping' })];
    await scene.tell('pod@1', 'a', ['ready', 'stop.requested', 'reconciling']);
    await scene.tell('tunnel@1', 'a', ['healthy', 'stop.requested', 'stopping']);
    const page = await open(scene);
    for (const [subject, to] of [
      ['pod/a', 'reconciling'],
      ['tunnel/a', 'stopping'],
    ]) {
      await page.locator(`[data-subject="${subject}"]`).click();
      const last = page.locator('.transition.last');
      await last.waitFor();
      expect(await last.getAttribute('class')).toContain('anywhere');
      expect(await last.getAttribute('data-to')).toBe(to);
      expect(await last.textContent()).toContain('from any state: stop.requested');
    }
  });

  it('marks of an arrow’s events the one that happened', async () => {
    const scene = await startScene();
    scene.tunnels = [tunnelView('a', { state: 'recreating' })];
    await scene.tell('tunnel@1', 'a', ['dead', 'awaitRetry.done', 'recreating']);
    const page = await open(scene);
    await page.locator('.transition.last').waitFor();
    const weights =
      (await page.evaluate(`[...document.querySelectorAll('.transition.last text')].map((text) =>
      [text.textContent, getComputedStyle(text).fontWeight])`)) as [string, string][];
    expect(Object.fromEntries(weights)).toEqual({ 'retry.requested': '400', 'awaitRetry.done': '700' });
  });

  it('says how much has come in while the past is shown, and comes back to it', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a') };
    await scene.tell('pod@1', 'a', ['creating.placing', 'placePod.done', 'booting']);
    await scene.tell('pod@1', 'a', ['booting', 'awaitBoot.done', 'startingComfyUI']);
    const page = await open(scene);
    await page.getByRole('button', { name: /booting placePod\.done/ }).click();
    await scene.tell('pod@1', 'a', ['startingComfyUI', 'awaitComfyUI.done', 'ready']);
    await page.getByRole('button', { name: 'Now (1 new)' }).click();
    expect(await text(page, '#status')).toBe('ready');
    expect(await text(page, '#live')).toBe('Now');
  });

  it('says why it waits in words: what comes next, the attempt, the candidates and what RunPod said', async () => {
    const scene = await startScene();
    const plan = ['A40', 'A6000'].map((gpuName) => ({ gpuName }));
    const refusals = [{ candidate: plan[0], failure: { code: 'gpuOutOfStock', detail: {} } }];
    scene.pods = { a: podRecord('a', { value: { creating: 'placing' }, plan, candidate: 1, refusals }) };
    const failure = { code: 'sshUnreachable', detail: {} } as const;
    scene.tunnels = [tunnelView('a', { state: 'recreating', attempt: 3, failure })];
    const page = await open(scene);
    const waiting = await text(page, '#advice');
    expect(waiting).toContain('A40 – refused: why gpuOutOfStock');
    expect(waiting).toContain('A6000 – being asked for');
    expect(waiting).toContain('booting when RunPod has placed the pod');
    await page.locator('[data-subject="tunnel/a"]').click();
    const tunnel = await text(page, '#advice');
    expect(tunnel).toContain('Attempt 3 since it was last healthy.');
    expect(tunnel).toContain('why sshUnreachable');
    expect(tunnel).toContain('healthy when an answer comes through');
    expect(waiting + tunnel).not.toMatch(/\.done|\.failed|undefined/);
  });

  it('tells in words what leads along an arrow, and that the journal has nothing', async () => {
    const scene = await startScene();
    scene.tunnels = [tunnelView('a')];
    const page = await open(scene);
    const arrow = page.locator('[data-from="healthy"][data-to="dead"] title');
    expect(await arrow.textContent()).toMatch(/^dead when ssh has ended, or when no answer comes through/);
    expect(await page.locator('.transition.anywhere title').textContent()).toMatch(/^stopping when/);
    expect(await text(page, '#no-events')).toBe('The journal has none of it.');
  });

  it('is of use in a browser that keeps nothing for pages', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a') };
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.addInitScript(
      "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })",
    );
    await page.goto(scene.inspector.url);
    await page.locator('.state.lit').waitFor();
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.getByRole('button', { name: 'Light theme' }).waitFor();
  });

  it('takes rubbish for what it is: a hash that is no text, a time that is none', async () => {
    const scene = await startScene();
    await scene.tell('pod@1', 'a', ['saved', 'begun', 'booting'], { at: 'yesterday' });
    scene.pods = { a: podRecord('a') };
    const page = await open(scene, '#pod/%E0%A4%A');
    await page.locator('[data-subject="pod/a"]').waitFor();
    expect(await text(page, 'body')).not.toMatch(/NaN|undefined|Invalid/);
  });

  it('shows what could not be read as a notice, and takes it away when it can be read again', async () => {
    const scene = await startScene();
    scene.trouble = new AutopodError('stateDamaged', { file: 'pods.json' });
    const page = await open(scene);
    await page.getByRole('alert').getByText('what stateDamaged').waitFor();
    scene.trouble = undefined;
    await page.locator('.notice').waitFor({ state: 'detached' });
  });

  it('with no keeper it does not claim since when a tunnel is dead', async () => {
    const scene = await startScene();
    scene.keeper = undefined;
    scene.tunnels = [tunnelView('a', { state: 'dead' })];
    const page = await open(scene);
    expect(await text(page, '#status')).toBe('dead');
    expect(await page.locator('#since').textContent()).toBe('');
  });

  it('calls a launch that, tells a past failure in words, and rounds what is a sum of many parts', async () => {
    const scene = await startScene();
    const record = podRecord('a', { value: 'failed' });
    scene.pods = {
      'a71528e-1': { ...record, facts: { podId: null, wish: { name: 'art' }, spent: 0.123456789 } },
    };
    await scene.tell('pod@1', 'a71528e-1', ['booting', 'awaitBoot.failed', 'failed'], { reason: 'hostFull' });
    const page = await open(scene);
    expect(await text(page, '#title')).toBe('Launch art');
    expect(await text(page, '#facts')).toContain('0.1235');
    expect(await text(page, '#log')).toContain('It failed: hostFull');
    expect(await text(page, '#subjects')).not.toContain('a71528e');
  });

  it('has the lit state in view from the beginning, in a chart larger than its frame', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a', { value: 'terminated' }) };
    const page = await open(scene);
    await page.locator('.state.lit').waitFor();
    const isInView = `(() => {
      const [box, frame] = ['.state.lit', '#chart'].map((one) => document.querySelector(one).getBoundingClientRect());
      return box.left < frame.right && box.right > frame.left && box.top < frame.bottom && box.bottom > frame.top;
    })()`;
    expect(await page.evaluate(isInView)).toBe(true);
  });

  it('says when the inspector has ended, and shows what it showed as no longer true', async () => {
    const scene = await startScene();
    scene.pods = { a: podRecord('a') };
    const { page } = await openPage(browser, scene.inspector.url);
    await page.locator('.subject').waitFor();
    await scene.inspector.close();
    await page.getByText('not connected; is autopod inspect still running?').waitFor();
    expect(await text(page, '#connection')).toMatch(/Shown as it was at \d\d?:\d\d:\d\d( [AP]M)?\.$/);
    expect(await text(page, '#status')).toBe('ready');
    const since = await text(page, '#since');
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 1_500))');
    expect(await text(page, '#since')).toBe(since);
    const { inspector } = await startScene({ port: Number(new URL(scene.inspector.url).port) });
    await page
      .getByText('this inspector has ended; open the address that autopod inspect gives now')
      .waitFor();
    await page.goto(inspector.url);
    await page.getByText('live', { exact: true }).waitFor();
    await page.close();
  });
});
