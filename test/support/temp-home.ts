import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Home, openHome } from '../../src/store/home.ts';

/** A home of its own for one test, removed when the test ends. */
export function tempHome(atEnd: (end: () => void) => void = onTestFinished): Home {
  const root = mkdtempSync(join(tmpdir(), 'ap-'));
  atEnd(() => rmSync(root, { recursive: true, force: true }));
  return openHome(root);
}
