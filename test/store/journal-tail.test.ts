import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Journal } from '../../src/store/journal.ts';
import { JournalTail } from '../../src/store/journal-tail.ts';
import { tempHome } from '../support/temp-home.ts';

const entry = (to: string) => ({ at: '', machine: 'pod@1', id: 'a', event: 'e', from: 'f', to });
const states = async (tail: JournalTail) => {
  const { isWhole, entries } = await tail.look();
  return [isWhole, ...entries.map(({ to }) => to)];
};

it('tells the whole journal once, then only what is new', async () => {
  const { journal: path } = tempHome();
  const [journal, tail] = [new Journal(path), new JournalTail(path)];
  await journal.append(entry('one'));
  expect(await states(tail)).toEqual([true, 'one']);
  expect(await states(tail)).toEqual([false]);
  await journal.append(entry('two'));
  await journal.append(entry('three'));
  expect(await states(tail)).toEqual([false, 'two', 'three']);
});

it('begins before there is a journal', async () => {
  const { journal: path } = tempHome();
  const tail = new JournalTail(path);
  expect(await states(tail)).toEqual([true]);
  await new Journal(path).append(entry('one'));
  expect(await states(tail)).toEqual([false, 'one']);
});

it('tells all again when the journal was rotated or removed', async () => {
  const { journal: path } = tempHome();
  const [journal, tail] = [new Journal(path), new JournalTail(path)];
  await journal.append(entry('one'));
  await states(tail);
  renameSync(path, `${path}.1`);
  await journal.append(entry('two'));
  expect(await states(tail)).toEqual([true, 'one', 'two']);
  rmSync(path);
  rmSync(`${path}.1`);
  expect(await states(tail)).toEqual([true]);
});

it('a line seen half written is told when it is whole, also within a letter', async () => {
  const { journal: path } = tempHome();
  writeFileSync(path, '');
  const tail = new JournalTail(path);
  await states(tail);
  const line = Buffer.from(`\n${JSON.stringify(entry('é'))}`);
  const middle = line.indexOf(0xc3) + 1;
  appendFileSync(path, line.subarray(0, middle));
  expect(await states(tail)).toEqual([false]);
  appendFileSync(path, line.subarray(middle));
  expect(await states(tail)).toEqual([false, 'é']);
  await new Journal(path).append(entry('next'));
  expect(await states(tail)).toEqual([false, 'next']);
});

it('what was there before it began is left out when that is asked for', async () => {
  const { journal: path } = tempHome();
  const journal = new Journal(path);
  await journal.append(entry('one'));
  const tail = new JournalTail(path);
  await tail.skip();
  expect(await states(tail)).toEqual([false]);
  await journal.append(entry('two'));
  expect(await states(tail)).toEqual([false, 'two']);
});

it('nothing is left out where there was no journal when it began', async () => {
  const { journal: path } = tempHome();
  const tail = new JournalTail(path);
  await tail.skip();
  await new Journal(path).append(entry('one'));
  expect(await states(tail)).toEqual([false, 'one']);
});
