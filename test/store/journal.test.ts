import { appendFile, stat, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Journal, type JournalEntry } from '../../src/store/journal.ts';
import { tempHome } from '../support/temp-home.ts';

const entry = (to: string): JournalEntry => ({
  at: '2026-01-01T00:00:00.000Z',
  machine: 'pod@1',
  id: 'a',
  event: 'begun',
  from: 'saved',
  to,
});

it('entries come back in the order written, and a line cut off by a crash is left out', async () => {
  const { journal: path } = tempHome();
  const journal = new Journal(path);
  await journal.append(entry('booting'));
  await appendFile(path, '\n{"at":"2026-01-0');
  await journal.append(entry('ready'));
  expect((await journal.read()).map(({ to }) => to)).toEqual(['booting', 'ready']);
});

it('a full journal moves aside and is still read', async () => {
  const { journal: path } = tempHome();
  await writeFile(path, `${JSON.stringify(entry('booting'))}\n${' '.repeat(2 * 1024 * 1024)}\n`);
  const journal = new Journal(path);
  await journal.append(entry('ready'));
  expect((await journal.read()).map(({ to }) => to)).toEqual(['booting', 'ready']);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
