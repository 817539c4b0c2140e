import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GrownFile } from '../../src/store/grown-file.ts';
import { tempHome } from '../support/temp-home.ts';

it('each look has what came since, a line that was cut off once it is whole, and another file from its beginning', async () => {
  const path = join(tempHome().root, 'lines');
  const file = new GrownFile(path);
  expect(await file.look()).toEqual({ isAnew: false, lines: [] });
  await appendFile(path, '\none\ntw');
  expect(await file.look()).toEqual({ isAnew: true, lines: ['', 'one', 'tw'] });
  await appendFile(path, 'o\nthree');
  expect(await file.look()).toEqual({ isAnew: false, lines: ['two', 'three'] });
  expect(await file.look()).toEqual({ isAnew: false, lines: ['three'] });
  await writeFile(`${path}.2`, '\nfour');
  await rename(`${path}.2`, path);
  expect(await file.look()).toEqual({ isAnew: true, lines: ['', 'four'] });
});

it('two looks at once miss nothing', async () => {
  const path = join(tempHome().root, 'lines');
  const file = new GrownFile(path);
  const seen = new Set<string>();
  for (let n = 0; n < 20; n++) {
    await appendFile(path, `\n${n}`);
    for (const { lines } of await Promise.all([file.look(), file.look()]))
      for (const line of lines) seen.add(line);
  }
  expect(seen.size).toBe(21);
});
