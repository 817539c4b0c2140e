import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  hasChromium,
  keepPictures,
  launchChromium,
  type OpenPage,
  openPage,
} from '../inspector/support/browser.ts';
import { until } from '../support/until.ts';
import { isWholeAsked } from './support/engine.ts';
import { startFleet, type TestFleet, type TestMember, WISH } from './support/fleet.ts';
import { bareGateway } from './support/gateway.ts';
import { laptopOf } from './support/laptop.ts';

describe('the fleet’s page', () => {
  it('is the same for everybody, runs no script but its own, and is framed by nobody', async () => {
    const { url, reached } = await bareGateway();
    const page = await fetch(url);
    expect(page.url).toBe(`${url}/page/fleet.html`);
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "form-action 'none'",
    ])
      expect(policy).toContain(rule);
    expect(policy).not.toContain('unsafe');
    const html = await page.text();
    expect(html).not.toMatch(/<script(?! type="module" src="[a-z-]+\.js">)| on\w+=|style=|https?:/);
    const files = [...html.matchAll(/(?:src|href)="([a-z-]+\.\w+)"/g)].map(([, name]) => name);
    for (const name of [...files, 'fleet-way.js', 'charts.json'])
      expect((await fetch(`${url}/page/${name}`)).status, name).toBe(200);
    for (const name of ['none.js', 'inspector.js', 'index.html', '..%2fcli.js'])
      expect([401, 404]).toContain((await fetch(`${url}/page/${name}`)).status);
    expect((await fetch(url, { method: 'POST' })).status).toBe(404);
    expect(reached).toEqual([]);
  });
});

describe.runIf(hasChromium && isWholeAsked)('the fleet’s page in a browser', () => {
  let fleet: TestFleet;
  let ann: TestMember;
  let bob: TestMember;
  let browser: Browser;
  let podId = '';
  let launchId = '';

  beforeAll(async () => {
    fleet = await startFleet();
    ann = await fleet.member('ann');
    bob = await fleet.member('bob');
    ({ launchId } = (await ann.up()).launch);
    podId = (await ann.reaches(launchId, 'ready')).podId ?? '';
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await fleet?.end();
  });

  const open = async (secret: string): Promise<OpenPage> => {
    const opened = await openPage(browser, `${fleet.url}/`);
    await opened.page.locator('#token').fill(secret);
    await opened.page.getByRole('button', { name: 'Log in' }).click();
    return opened;
  };
  const shown = async ({ page }: OpenPage) => {
    await page.locator(`[data-pod="${podId}"]`).waitFor();
    return (await page.locator('#fleet').textContent()) ?? '';
  };

  it('lets nobody see a thing who has no good token, and says why', async () => {
    const opened = await open(`apt_${'x'.repeat(43)}`);
    await opened.page.locator('#sign-in-failure').getByText('does not know it').waitFor();
    expect(await opened.page.locator('#fleet').isVisible()).toBe(false);
    await opened.page.locator('#token').fill('hello');
    await opened.page.getByRole('button', { name: 'Log in' }).click();
    await opened.page.getByText('neither an invitation nor a token').waitFor();
    expect(await opened.page.evaluate('sessionStorage.length')).toBe(0);
    await opened.page.close();
  });

  it('shows pods, whose they are, what they cost, and their machines as they move', async () => {
    const opened = await open(ann.token);
    const { page } = opened;
    expect(await shown(opened)).toMatch(/studio *ann *RUNNING/);
    expect(await page.locator('#money').textContent()).toMatch(/\$\d+\.\d\d an hour now.*ann \$/);
    await until('the chart is lit', async () => (await page.locator('#status').textContent()) === 'ready');
    expect(await page.locator('.state.lit').count()).toBeGreaterThan(0);
    expect(page.url()).toBe(`${fleet.url}/page/fleet.html`);
    await keepPictures(page, 'fleet');
    await page.reload();
    expect(await shown(opened)).toContain('ann');
    expect(opened.complaints).toEqual([]);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.locator('#sign-in').waitFor();
    expect(await page.evaluate('sessionStorage.length + localStorage.length')).toBe(0);
    await page.close();
  });

  it('is entered by a link once, whose code is in the address no longer and whose token is the tab’s own', async () => {
    const vic = await laptopOf(fleet, 'vic', 'viewer');
    const { url } = JSON.parse((await vic.autopod('page', '--no-open', '--json')).stdout);
    const [, code = ''] = url.split('#');
    const own = JSON.parse(readFileSync(join(vic.home, 'login.json'), 'utf8')).current.token;
    const opened = await openPage(browser, url);
    expect(await shown(opened)).toContain('studio');
    const { page } = opened;
    expect(page.url()).toBe(`${fleet.url}/page/fleet.html`);
    expect(await page.locator('#connection').textContent()).toContain('vic (viewer)');
    expect(await page.locator('#pods button').count()).toBe(0);
    const kept = String(await page.evaluate('JSON.stringify({ ...sessionStorage })'));
    expect([kept.includes('apt_'), kept.includes(own), kept.includes(code)]).toEqual([true, false, false]);
    expect(await page.evaluate('document.cookie + localStorage.length')).toBe('0');
    expect(opened.complaints).toEqual([]);

    const second = await openPage(browser, url);
    await second.page.locator('#sign-in-failure').getByText('does not know it').waitFor();
    expect(await second.page.locator('#fleet').isVisible()).toBe(false);
    // The tab is there: only what comes after the # changes.
    const another = JSON.parse((await vic.autopod('page', '--no-open', '--json')).stdout);
    await second.page.goto(another.url);
    expect(await shown(second)).toContain('studio');
    await fleet.autopod(['serve', 'remove', 'vic']);
    await page.locator('#sign-in').waitFor();
    for (const secret of [code, own])
      expect(readFileSync(fleet.file('logs', 'autopod.log'), 'utf8')).not.toContain(secret);
    await page.close();
    await second.page.close();
  });

  it('lets a viewer look, and gives them nothing to press', async () => {
    const invited = await fleet.autopod(['serve', 'invite', 'eve', '--role', 'viewer']);
    const opened = await open(/^autopod login .*$/m.exec(invited.stdout)?.[0] ?? '');
    expect(await shown(opened)).toContain('studio');
    expect(await opened.page.locator('#pods button').count()).toBe(0);
    await fleet.autopod(['serve', 'remove', 'eve']);
    await opened.page.locator('#sign-in').waitFor();
    await opened.page.close();
  });

  it('stops after a question, and not without; what is another’s is not killed', async () => {
    const opened = await open(bob.token);
    const { page } = opened;
    await shown(opened);
    expect(await page.getByRole('button', { name: 'Kill studio' }).count()).toBe(0);
    const stop = page.getByRole('button', { name: 'Stop studio' });
    await stop.click();
    await page.getByText('Stop studio, a pod of ann?').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect((await ann.get(`/v1/launches/${launchId}`)).body.state).toBe('ready');
    await stop.click();
    await page.locator('#yes').click();
    await ann.reaches(launchId, 'stopped');
    await until('the page shows it', async () => (await page.locator('#status').textContent()) === 'stopped');
    const asked = fleet
      .journal()
      .find(({ machine, event }) => machine === 'pod@1' && event === 'stop.requested');
    expect(asked).toMatchObject({ who: 'bob' });
    expect(opened.complaints).toEqual([]);
    await page.close();
  });

  it('kills one’s own after a question, and tells why where that is refused', async () => {
    const opened = await open(ann.token);
    const { page } = opened;
    await shown(opened);
    await page.getByRole('button', { name: 'Kill studio' }).click();
    // Taken back meanwhile: what is shown is not what decides.
    await fleet.autopod(['serve', 'invite', 'ann', '--role', 'viewer']);
    await page.locator('#yes').click();
    await page.getByText('not for your role').waitFor();
    await fleet.autopod(['serve', 'invite', 'ann', '--role', 'member']);
    await page.locator('#yes').click();
    await page.locator('#no-pods').waitFor();
    expect(await fleet.podIds()).toEqual([]);
    await page.close();
  });

  it('shows names as words, whatever stands in them', async () => {
    const opened = await open(bob.token);
    const { launch } = await bob.up({ isNew: true, wish: { ...WISH, name: 'a/b@c' } });
    await bob.reaches(launch.launchId, 'ready');
    await opened.page.getByRole('rowheader', { name: 'a/b@c' }).waitFor();
    expect(opened.complaints).toEqual([]);
    await opened.page.close();
  });
});
