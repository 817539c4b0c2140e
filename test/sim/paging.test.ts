import { expect, it } from 'vitest';
import { call, control, createPod, type Reply, simulate } from './support/simulator.ts';

type Sim = Awaited<ReturnType<typeof simulate>>;

it('a thousand pods are one page, and one more makes two', async () => {
  const simulator = await simulate();
  await control(simulator, 'POST', '/bystanders', { count: 1000 });
  const whole = await call(simulator, 'GET', '/pods');
  expect(whole.body.pagination).toEqual({ nextCursor: null, hasNextPage: false });
  await createPod(simulator);
  const pages = await walk(simulator);
  expect(pages.map(({ body }) => body.pods.length)).toEqual([1000, 1]);
});

it('pods are listed newest first, across pages, each once', async () => {
  const simulator = await simulate();
  const made = [];
  for (let index = 0; index < 5; index++) made.push((await createPod(simulator)).id);
  const pages = await walk(simulator, 'limit=2');
  expect(ids(pages)).toEqual(made.toReversed());
  expect(pages).toHaveLength(3);
});

it('a pod made while paging is on no later page, and one that vanishes shifts nothing', async () => {
  const simulator = await simulate();
  const oldest = await createPod(simulator);
  await createPod(simulator);
  const newest = await createPod(simulator);
  const first = await call(simulator, 'GET', '/pods?limit=2');
  await createPod(simulator);
  simulator.world.terminate(newest);
  const rest = await call(
    simulator,
    'GET',
    `/pods?limit=2&cursor=${encodeURIComponent(first.body.pagination.nextCursor)}`,
  );
  expect(ids([rest])).toEqual([oldest.id]);
});

it('members of clusters are dropped after the page is cut: pages are short, or empty, and others follow', async () => {
  const simulator = await simulate({ podsPerPage: 2 });
  const own = await createPod(simulator);
  await control(simulator, 'POST', '/bystanders', { count: 3, clusterId: 'cluster_a' });
  expect((await walk(simulator)).map(({ body }) => body.pods.length)).toEqual([0, 1]);
  const all = await walk(simulator, 'includeClusterPods=true');
  expect(all.map(({ body }) => body.pods.length)).toEqual([2, 2]);
  expect(all[0]?.body.pods[0].cluster).toEqual({ id: 'cluster_a', rank: 2 });
  expect(all[1]?.body.pods[1]).toMatchObject({ id: own.id });
});

it('a member of a cluster cannot be acted on by itself', async () => {
  const simulator = await simulate();
  await control(simulator, 'POST', '/bystanders', { count: 1, clusterId: 'cluster_a' });
  const [id] = [...simulator.world.pods.keys()];
  const answers = await Promise.all([
    call(simulator, 'POST', `/pods/${id}/action`, { body: { action: 'start' } }),
    call(simulator, 'PATCH', `/pods/${id}`, { body: { name: 'other' } }),
    call(simulator, 'DELETE', `/pods/${id}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([409, 409, 409]);
});

it.each([
  ['malformed', () => 'cursor=nonsense'],
  ['issued for another page size', (cursor: string) => `limit=2&cursor=${cursor}`],
  ['issued with other pods in view', (cursor: string) => `limit=1&includeClusterPods=true&cursor=${cursor}`],
])('a cursor that is %s is a 422', async (_, query) => {
  const simulator = await simulate();
  await control(simulator, 'POST', '/bystanders', { count: 3 });
  const first = await call(simulator, 'GET', '/pods?limit=1');
  const { status, body } = await call(simulator, 'GET', `/pods?${query(first.body.pagination.nextCursor)}`);
  expect([status, body.errors[0]]).toEqual([422, expect.stringContaining('cursor')]);
});

it.each(['0', '1001', 'all'])('a limit of %s is a 422, and names the parameter', async (limit) => {
  const { status, body } = await call(await simulate(), 'GET', `/pods?limit=${limit}`);
  expect([status, body.errors[0]]).toEqual([422, expect.stringMatching(/^limit: /)]);
});

/** Every page, as a client that follows `hasNextPage` sees them. */
async function walk(simulator: Sim, query = ''): Promise<Reply[]> {
  const pages: Reply[] = [];
  for (let cursor = ''; ; ) {
    const page = await call(simulator, 'GET', `/pods?${query}${cursor}`);
    pages.push(page);
    const { nextCursor, hasNextPage } = page.body.pagination;
    if (!hasNextPage) return pages;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

function ids(pages: Reply[]): string[] {
  return pages.flatMap(({ body }) => body.pods.map(({ id }: { id: string }) => id));
}
