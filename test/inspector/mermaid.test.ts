import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartOf } from '../../src/inspector/chart.ts';
import { guardMachine } from '../../src/machines/guard.ts';
import { jobMachine } from '../../src/machines/job.ts';
import { podMachine } from '../../src/machines/pod.ts';
import { tunnelMachine } from '../../src/machines/tunnel.ts';
import { hasChromium, launchChromium } from './support/browser.ts';

// Mermaid's own parser and renderer, without the kinds of diagram that weigh most.
const MERMAID = fileURLToPath(import.meta.resolve('@mermaid-js/tiny'));
const FOLDER = join(import.meta.dirname, '..', '..', 'diagrams');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.mmd'));
const MACHINES = [podMachine, tunnelMachine, guardMachine, jobMachine];

let browser: Browser;
let page: Page;

const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
/** What Mermaid drew: how many arrows, and all words. Throws its syntax error. */
const render = async (text: string): Promise<{ arrows: number; words: string }> =>
  page.evaluate(`(async () => {
    const { svg } = await mermaid.render('diagram', ${JSON.stringify(text)});
    const drawn = new DOMParser().parseFromString(svg, 'text/html');
    for (const style of drawn.querySelectorAll('style')) style.remove();
    return { arrows: drawn.querySelectorAll('path.transition').length, words: drawn.body.textContent };
  })()`);

describe.runIf(hasChromium)('Mermaid', () => {
  beforeAll(async () => {
    browser = await launchChromium();
    const context = await browser.newContext({ offline: true });
    page = await context.newPage();
    await page.addScriptTag({ path: MERMAID });
    await page.evaluate('mermaid.initialize({ startOnLoad: false })');
  });
  afterAll(() => browser?.close());

  it('there is a file of each machine', () => {
    expect(FILES.toSorted()).toEqual(MACHINES.map(({ id }) => `${id.split('@')[0]}.mmd`).toSorted());
  });

  it.each(MACHINES.map((machine) => [`${machine.id.split('@')[0]}.mmd`, machine] as const))(
    'draws %s, every state with its meaning and every transition',
    async (name, machine) => {
      const { arrows, words } = await render(read(name));
      const { states, edges } = chartOf(machine);
      const initial = states.filter(({ isInitial }) => isInitial);
      expect(arrows).toBeGreaterThanOrEqual(edges.length + initial.length);
      const plain = (text: string) => text.replaceAll(/\s+/g, '');
      for (const { name, description } of states)
        expect(plain(words)).toContain(plain(`${name} — ${description}`));
    },
  );

  it.each([
    ['an arrow to nowhere', (text: string) => text.replace(/--> \w+ :/, '-->  :')],
    ['a group that is not closed', () => 'stateDiagram-v2\n  state "a" as a {\n    b : b\n'],
    ['another kind of diagram', (text: string) => text.replace('stateDiagram-v2', 'stateChart')],
  ])('refuses %s', async (_what, spoil) => {
    await expect(render(spoil(read('tunnel.mmd')))).rejects.toThrow(/error|No diagram type/i);
  });
});
