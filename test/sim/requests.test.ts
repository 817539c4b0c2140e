import { expect, it } from 'vitest';
import { call, podRequest, simulate } from './support/simulator.ts';

it.each([
  ['an unknown field', { bogus: 1 }, "$: additional properties 'bogus' not allowed"],
  [
    'an unknown nested field',
    { gpu: { id: 'NVIDIA A40', cont: 2 } },
    "$.gpu: additional properties 'cont' not allowed",
  ],
  ['a missing name', { name: undefined }, "$: missing property 'name'"],
  ['a missing image', { image: undefined }, "$: missing property 'image'"],
  ['a wrong type', { disk: '50' }, '$.disk: must be integer'],
  ['an unknown cloud', { cloud: 'ALL' }, '$.cloud: must be one of SECURE, COMMUNITY'],
  [
    'too many volumes',
    { mounts: { network: [volume('a'), volume('b')] } },
    '$.mounts.network: must NOT have more than 1 items',
  ],
])('refuses a create with %s by name', async (_, changes, message) => {
  const simulator = await simulate();
  const { status, body } = await call(simulator, 'POST', '/pods', { body: podRequest(changes) });
  expect(status).toBe(422);
  expect(body.errors).toEqual([message]);
  expect(simulator.world.createCount).toBe(0);
});

it('lists every violation at once', async () => {
  const { body } = await call(await simulate(), 'POST', '/pods', { body: { disk: 0, gpu: {} } });
  expect(body.errors).toHaveLength(4);
});

it('puts a query value of the wrong type to its parameter', async () => {
  const path = '/catalog/gpus?include=AVAILABILITY&product=POD&count=none';
  const { status, body } = await call(await simulate(), 'GET', path);
  expect([status, body.errors]).toEqual([422, ['count: must be integer']]);
});

it.each(['/pods/%E0%A4%A', '//', '/pods//logs?x=%'])('survives the path %s', async (path) => {
  const { status } = await call(await simulate(), 'GET', path);
  expect([400, 404]).toContain(status);
});

it('tells how much of each window is left, and refuses with Retry-After when none is', async () => {
  const simulator = await simulate({ rateLimit: { perMinute: 2 } });
  const first = await call(simulator, 'GET', '/pods');
  expect(first.headers.get('ratelimit')).toMatch(
    /^"minute";r=1;t=\d+, "hour";r=99;t=\d+, "day";r=1599;t=\d+$/,
  );
  expect(first.headers.get('ratelimit-policy')).toMatch(/^"minute";q=2;w=60, /);
  await call(simulator, 'GET', '/pods');
  const refused = await call(simulator, 'GET', '/pods');
  expect(refused.status).toBe(429);
  expect(refused.headers.get('ratelimit')).toMatch(/^"minute";r=0;/);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
});

function volume(volumeId: string) {
  return { volumeId, path: '/workspace' };
}
