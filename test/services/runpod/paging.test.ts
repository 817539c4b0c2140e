import { expect, it } from 'vitest';
import { createRunPod } from '../../../src/services/runpod/client.ts';
import { VERSION } from '../../../src/version.ts';
import { control, createPod, simulate } from '../../sim/support/simulator.ts';
import { answerJson, type Heard, listening } from './listening.ts';

const signal = new AbortController().signal;
const pod = (id: string) => ({ id, name: id, status: 'RUNNING' });
const ids = (pods: { id: string }[]) => pods.map(({ id }) => id);

interface Page {
  ids: string[];
  next?: string | null;
}

/** A server that answers each cursor (`''` is the first page) with a page. */
function paging(pages: Record<string, Page>, before?: (heard: Heard) => number | undefined) {
  return listening((response, heard) => {
    const status = before?.(heard);
    if (status !== undefined) return answerJson(response, status, { title: 'not now' });
    const page = pages[heard.url.searchParams.get('cursor') ?? ''];
    const { next = null } = page ?? {};
    answerJson(response, 200, {
      pods: page?.ids.map(pod) ?? [],
      pagination: { nextCursor: next, hasNextPage: next !== null },
    });
  });
}

it('every page is read, and short and empty ones end nothing', async () => {
  const { runpod, heard } = await paging({
    '': { ids: ['a', 'b'], next: 'x+/=' },
    'x+/=': { ids: [], next: 'y' },
    y: { ids: ['c'] },
  });
  expect(ids(await runpod.listPods(signal))).toEqual(['a', 'b', 'c']);
  expect(heard.map(({ url }) => [...url.searchParams.keys()])).toEqual([[], ['cursor'], ['cursor']]);
});

it('an answer without a pagination block is the last page', async () => {
  const { runpod, heard } = await listening((response) => answerJson(response, 200, { pods: [pod('a')] }));
  expect(ids(await runpod.listPods(signal))).toEqual(['a']);
  expect(heard).toHaveLength(1);
});

it('a pod that is on two pages is one pod', async () => {
  const { runpod } = await paging({ '': { ids: ['a', 'b'], next: 'x' }, x: { ids: ['b', 'c'] } });
  expect(ids(await runpod.listPods(signal))).toEqual(['a', 'b', 'c']);
});

it.each<[string, Record<string, Page>]>([
  ['the same again', { '': { ids: ['a'], next: 'x' }, x: { ids: ['b'], next: 'x' } }],
  ['an earlier one', { '': { ids: ['a'], next: 'x' }, x: { ids: [], next: 'y' }, y: { ids: [], next: 'x' } }],
])('a cursor that is %s ends the reading, and half a list is never taken for the whole', async (_, pages) => {
  const { runpod, heard } = await paging(pages);
  await expect(runpod.listPods(signal)).rejects.toMatchObject({ code: 'apiAnswerUnexpected' });
  expect(heard.length).toBeLessThanOrEqual(3);
});

it('a further page without a cursor to it is an answer that cannot be', async () => {
  const { runpod } = await listening((response) =>
    answerJson(response, 200, { pods: [], pagination: { nextCursor: null, hasNextPage: true } }),
  );
  await expect(runpod.listPods(signal)).rejects.toMatchObject({ code: 'apiAnswerUnexpected' });
});

it('each page is patient on its own: a page that fails is asked for again, not the list from its beginning', async () => {
  const failed = new Set<string>();
  const { runpod, heard } = await paging(
    { '': { ids: ['a'], next: 'x' }, x: { ids: ['b'], next: 'y' }, y: { ids: ['c'] } },
    ({ url }) => {
      if (failed.has(url.search)) return undefined;
      failed.add(url.search);
      return 503;
    },
  );
  expect(ids(await runpod.listPods(signal))).toEqual(['a', 'b', 'c']);
  expect(heard.map(({ url }) => url.searchParams.get('cursor'))).toEqual([null, null, 'x', 'x', 'y', 'y']);
});

it('all pods of an account with more than a page of them are seen', async () => {
  const simulator = await simulate();
  const own = await createPod(simulator);
  await control(simulator, 'POST', '/bystanders', { count: 1000 });
  await control(simulator, 'POST', '/bystanders', { count: 1000, clusterId: 'cluster_a' });
  const runpod = createRunPod({ apiUrl: simulator.url, apiKey: 'sim-key' });
  const seen = ids(await runpod.listPods(signal));
  expect(seen).toHaveLength(1001);
  expect(seen.at(-1)).toBe(own.id);
});

it('every request says what program it comes from, also for a log', async () => {
  const { runpod, heard } = await listening((response) => answerJson(response, 404, { title: 'no' }));
  const failed = () => undefined;
  await runpod.listPods(signal).catch(failed);
  await runpod.createPod({ name: 'a', image: 'b', gpu: { id: 'c' } }, signal).catch(failed);
  await runpod.act('a', 'stop', signal).catch(failed);
  await runpod.terminatePod('a', signal).catch(failed);
  const lines = runpod.podLogs('a', {}, { signal });
  await expect(lines[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'podNotFound' });
  expect(heard.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
    'GET /v2/pods',
    'POST /v2/pods',
    'POST /v2/pods/a/action',
    'DELETE /v2/pods/a',
    'GET /v2/pods/a/logs',
  ]);
  for (const { headers } of heard)
    expect(headers['user-agent']).toMatch(new RegExp(`^autopod/${VERSION} \\(node `));
});
