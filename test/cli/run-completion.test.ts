import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { suggest } from '../../src/cli/arguments/suggest.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { openHome } from '../../src/store/home.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';

let folder = '';
const program = buildProgram({} as never, { stdout: {}, stderr: {} } as never, () => undefined);
const words = (...typed: string[]) =>
  suggest(program, typed, openHome(join(folder, 'home'))).map(({ word }) => word);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ap-offer-'));
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(folder, 'more'));
  for (const name of ['fox.json', 'fox.png', 'rows.csv', 'notes.txt', '.hidden.json']) {
    writeFileSync(join(folder, name), '');
  }
  const saved = { facts: { podId: 'abc123', wish: { name: 'art' } } };
  writeFileSync(join(folder, 'home', 'pods.json'), JSON.stringify({ records: { a: saved } }));
  const store = new JobStore(openHome(join(folder, 'home')));
  await store.create(batchFacts({ batchId: 'bbbbbb', name: 'many' }), [
    jobFacts({ jobId: 'k3f9xw', batchId: 'bbbbbb', name: 'fox', createdAt: 2 }),
    jobFacts({ jobId: 'k3g222', batchId: 'bbbbbb', name: 'cat', createdAt: 1, index: 1 }),
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the shell completes', () => {
  it('files that may carry a workflow, and folders, for run', () => {
    const at = (name: string) => join(folder, name);
    expect(words('run', `${folder}/`).toSorted()).toEqual(
      [`${at('home')}/`, `${at('more')}/`, at('fox.json'), at('fox.png')].toSorted(),
    );
    expect(words('run', at('fox.p'))).toEqual([at('fox.png')]);
    expect(words('run', `${folder}/nowhere/`)).toEqual([]);
  });

  it('the pod after the file', () => {
    expect(words('run', 'fox.json', '')).toEqual(['abc123', 'art']);
  });

  it("values of run's options", () => {
    expect(words('run', 'fox.json', '--then', '')).toEqual(['keep', 'stop', 'kill']);
    expect(words('run', 'fox.json', '--on-error', 'g')).toEqual(['go-on']);
    expect(words('run', 'fox.json', '--seed', '')).toEqual(['random', 'same']);
    expect(words('run', 'fox.json', '--rows', `${folder}/r`)).toEqual([join(folder, 'rows.csv')]);
    expect(words('run', 'fox.json', '--swe')).toEqual(['--sweep']);
  });

  it('what jobs has, and ids of jobs and batches, the latest first', () => {
    expect(words('jobs', '')).toEqual(['show', 'wait', 'cancel', 'fetch', 'retry']);
    expect(words('jobs', 'show', '')).toEqual(['k3f9xw', 'k3g222', 'bbbbbb']);
    expect(words('jobs', 'cancel', 'k3g')).toEqual(['k3g222']);
    expect(words('jobs', 'retry', 'k3g222', '')).toEqual(['abc123', 'art']);
  });
});
