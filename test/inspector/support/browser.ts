import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

export const hasChromium = existsSync(CHROMIUM);

export interface OpenPage {
  page: Page;
  /** Errors on the console, and requests to anywhere but the inspector. */
  complaints: string[];
  /** Lit states in the order in which they lit up since this was last asked. */
  litInOrder(): Promise<string[]>;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** Opens the inspector's page and notes all that lights up in it. */
export async function openPage(browser: Browser, url: string): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin)) complaints.push(`asked ${request.url()}`);
  });
  await page.addInitScript(watchLights);
  await page.goto(url);
  const litInOrder = () => page.evaluate(() => (globalThis as unknown as Lights).lights.splice(0));
  return { page, complaints, litInOrder };
}

const ARTEFACTS = join(import.meta.dirname, '..', '..', '..', 'test-artifacts');

/** Keeps pictures of what is shown, as every run does: light, dark, and at the width of a phone. */
export async function keepPictures(page: Page, name: string): Promise<void> {
  const { width, height } = page.viewportSize() ?? { width: 1440, height: 1000 };
  const keep = (kind: string) => page.screenshot({ path: join(ARTEFACTS, `${name}-${kind}.png`) });
  await page.emulateMedia({ colorScheme: 'light' });
  await keep('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await keep('phone');
  await page.setViewportSize({ width, height });
}

interface Lights {
  lights: string[];
}

// Runs in the page.
function watchLights(): void {
  const lights: string[] = [];
  Object.assign(globalThis, { lights });
  const document = (globalThis as unknown as { document: Dom }).document;
  const note = () => {
    const lit = [...document.querySelectorAll('.state.lit')].at(-1)?.dataset.state;
    if (lit !== undefined && lit !== lights.at(-1)) lights.push(lit);
  };
  const Observer = (globalThis as unknown as { MutationObserver: Observing }).MutationObserver;
  new Observer(note).observe(document, { subtree: true, childList: true, attributes: true });
}

interface Dom {
  querySelectorAll(selector: string): Iterable<{ dataset: { state?: string } }>;
}
type Observing = new (note: () => void) => { observe(target: Dom, options: object): void };
