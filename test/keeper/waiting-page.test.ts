import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Front } from '../../src/keeper/front.ts';
import { COMFY_DOWN } from '../../src/keeper/tunnel-words.ts';
import { hasChromium, launchChromium } from '../inspector/support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { tempHome } from '../support/temp-home.ts';

describe.runIf(hasChromium)('the page shown while ComfyUI does not answer', () => {
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('outlives attempts that fail, and becomes ComfyUI when that answers', async () => {
    const options = { holdMs: 50, explain: () => COMFY_DOWN };
    let front = new Front(options);
    const port = await front.listen(Number(await freePort()));
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    expect(await page.title()).toBe('ComfyUI does not answer – autopod');

    await front.close();
    await page.waitForEvent('requestfailed', { timeout: 60_000 });
    expect(await page.title()).toBe('ComfyUI does not answer – autopod');

    const path = join(tempHome().root, 's');
    const comfyUi = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end('<title>ComfyUI</title>');
    }).listen(path);
    await once(comfyUi, 'listening');
    front = new Front(options);
    await front.listen(port);
    front.way = path;
    await page.waitForFunction('document.title === "ComfyUI"', undefined, { timeout: 60_000 });
    await page.close();
    await front.close();
    comfyUi.closeAllConnections();
    comfyUi.close();
  });
});
