import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sample } from '../support/sample.ts';
import { hasChromium, launchChromium, openPage } from './support/browser.ts';
import { podRecord, startScene, tunnelView } from './support/scene.ts';

let browser: Browser;

/** A page with something of everything: a pod with a dead tunnel, a failed one, and past ones. */
async function openFullPage(): Promise<Page> {
  const scene = await startScene();
  await scene.tell('pod@1', 'old', ['terminating', 'terminatePod.done', 'terminated']);
  await scene.tell('tunnel@1', 'b', ['stopping', 'closeForward.done', 'stopped']);
  await scene.tell('tunnel@1', 'a', ['starting', 'openForward.done', 'healthy']);
  await scene.tell('tunnel@1', 'a', ['healthy', 'holdForward.failed', 'dead'], { reason: 'sshUnreachable' });
  const failure = { code: 'sshUnreachable', detail: {} } as const;
  scene.pods = { a: podRecord('a'), b: podRecord('b', { value: 'booting', readyBy: Date.now() }) };
  scene.tunnels = [tunnelView('a', { state: 'dead', attempt: 1, failure })];
  const { page } = await openPage(browser, `${scene.inspector.url}#tunnel/a`);
  onTestFinished(() => page.close());
  await page.locator('.state.lit').waitFor();
  return page;
}

/** What axe-core finds wrong, by rule and place. */
async function complaintsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' at ' + target)))`);
}

describe.runIf(hasChromium)('whoever reads the page', () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it.each(
    sample(2, [
      ['light', 1440, 1000],
      ['dark', 390, 844],
      ['dark', 1440, 1000],
      ['light', 390, 844],
    ] as const),
  )('finds no fault by the rules of axe: %s, %i wide', async (colorScheme, width, height) => {
    const page = await openFullPage();
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    expect(await complaintsOf(page)).toEqual([]);
    await page.getByText('past: 1').click();
    await page.locator('[data-subject="pod/old"]').click();
    expect(await complaintsOf(page)).toEqual([]);
  });

  it.each([1280, 390])(
    'can read every word of the chart, %i wide, and see the whole of it',
    async (width) => {
      const page = await openFullPage();
      await page.setViewportSize({ width, height: 800 });
      for (const subject of ['pod/a', 'tunnel/a']) {
        await page.locator(`[data-subject="${subject}"]`).click();
        const smallest =
          (await page.evaluate(`Math.min(...[...document.querySelectorAll('#chart text')].map((text) =>
        Number.parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))`)) as number;
        expect(smallest).toBeGreaterThanOrEqual(11);
        await page.getByRole('button', { name: 'Whole chart' }).click();
        const [chart, frame] = await Promise.all(
          ['#chart svg', '#chart'].map((place) => page.locator(place).boundingBox()),
        );
        expect(chart?.width).toBeLessThanOrEqual(frame?.width ?? 0);
        expect(chart?.height).toBeLessThanOrEqual(frame?.height ?? 0);
        await page.getByRole('button', { name: 'Whole chart' }).click();
      }
    },
  );

  it.each([900, 500])('sees the whole log without scrolling the page, %i high', async (height) => {
    const scene = await startScene();
    for (let n = 0; n < 250; n++)
      await scene.tell('tunnel@1', 'a', ['dead', 'awaitRetry.done', 'recreating'], { reason: `${n}` });
    scene.tunnels = [tunnelView('a', { state: 'recreating' })];
    const { page } = await openPage(browser, scene.inspector.url);
    onTestFinished(() => page.close());
    await page.setViewportSize({ width: 1280, height });
    const more = page.getByRole('button', { name: 'Show earlier events' });
    await more.waitFor();
    const place = await more.boundingBox();
    expect((place?.y ?? 0) + (place?.height ?? 0)).toBeLessThanOrEqual(height);
    await page.mouse.wheel(0, 600);
    await page.locator('#connection').click({ trial: true });
  });

  it('gets with Tab to everything in the order it is read, and sees a ring around it', async () => {
    const page = await openFullPage();
    const seen: string[] = [];
    for (let press = 0; press < 30 && seen.at(-1) !== 'chart'; press++) {
      await page.keyboard.press('Tab');
      const { name, ring, isWhole } = (await page.evaluate(FOCUSED)) as Focused;
      seen.push(name);
      expect(ring, name).toMatch(/^solid 3px/);
      expect(isWhole, name).toBe(true);
    }
    expect(seen).toEqual([
      'Skip to the machine',
      'theme',
      'pod/a',
      'tunnel/a',
      'pod/b',
      'tunnel/b',
      'past-count',
      'dead',
      'healthy',
      'earlier',
      'later',
      'live',
      'fit',
      'chart',
    ]);
  });

  it('with the chart in focus steps back to now by Escape, and scrolls by the arrows', async () => {
    const page = await openFullPage();
    await page.getByRole('button', { name: /healthy openForward\.done/ }).click();
    expect(await page.locator('#status').textContent()).toBe('healthy');
    await page.locator('#chart').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await page.locator('#status').textContent()).toBe('healthy');
    await page.keyboard.press('Escape');
    expect(await page.locator('#status').textContent()).toBe('dead');
  });

  it('who wants less motion is not moved about', async () => {
    const page = await openFullPage();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('[data-subject="pod/a"]').click();
    const scrolled = 'document.getElementById("chart").scrollLeft';
    const atOnce = await page.evaluate(scrolled);
    expect(atOnce).toBeGreaterThan(0);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
    expect(await page.evaluate(scrolled)).toBe(atOnce);
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
  });
});

interface Focused {
  name: string;
  ring: string;
  isWhole: boolean;
}

/** What has the focus, its ring, and whether what scrolls around it leaves the ring whole. */
const FOCUSED = `(() => {
  const focused = document.activeElement;
  const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(focused);
  const reach = Number.parseFloat(outlineWidth) + Number.parseFloat(outlineOffset);
  const inner = focused.getBoundingClientRect();
  let isWhole = true;
  for (let box = focused.parentElement; box; box = box.parentElement) {
    if (getComputedStyle(box).overflowX === 'visible') continue;
    const outer = box.getBoundingClientRect();
    isWhole &&= inner.left - reach >= outer.left - 0.5 && inner.right + reach <= outer.right + 0.5;
  }
  const name = focused.dataset.subject ?? (focused.id || focused.querySelector('.pill')?.textContent) ?? focused.textContent;
  return { name, ring: outlineStyle + ' ' + outlineWidth, isWhole };
})()`;
