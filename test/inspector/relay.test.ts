import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../support/until.ts';
import { type Scene, SECRET, startScene, tunnelView } from './support/scene.ts';

interface Told {
  type: string;
  sessionId: string;
  name?: string;
  definition?: string;
  event?: { type: string };
  snapshot?: { status: string; value: string; context: { attempt?: number } };
}

/** Attaches to the relay; what it is told is in `seen`. */
async function attach({ inspector }: Scene): Promise<{ client: WebSocket; seen: Told[] }> {
  const client = new WebSocket(inspector.stately, { perMessageDeflate: false });
  onTestFinished(() => client.terminate());
  const seen: Told[] = [];
  client.on('message', (data) => seen.push(JSON.parse(String(data))));
  await once(client, 'open');
  return { client, seen };
}

const message = (type: string, sessionId: string, padding = '') =>
  JSON.stringify({ type, sessionId, padding });
const BIG = 'x'.repeat(500_000);

it('who attaches late is told of every actor, and of the latest of what is too much to keep', async () => {
  const scene = await startScene();
  const { client } = await attach(scene);
  const early = await attach(scene);
  client.send(message('@xstate.actor', 'a'));
  for (let n = 0; n < 30; n++) client.send(message('@xstate.snapshot', `a${n}`, BIG));
  client.send('no message of Stately’s');
  client.send(message('@xstate.event', 'last'));
  await until('all has come through', () => early.seen.at(-1)?.sessionId === 'last');
  expect(early.seen).toHaveLength(32);
  const late = await attach(scene);
  await until('the latest', () => late.seen.at(-1)?.sessionId === 'last');
  expect(late.seen[0]).toMatchObject({ type: '@xstate.actor', sessionId: 'a' });
  expect(late.seen.length).toBeLessThan(12);
});

it('who does not read is let go, and the others are told on', async () => {
  const scene = await startScene();
  const { client } = await attach(scene);
  const [deaf, other] = [await attach(scene), await attach(scene)];
  const closed = once(deaf.client, 'close');
  deaf.client.pause();
  for (let n = 0; n < 100; n++) {
    client.send(message('@xstate.snapshot', `${n}`, BIG));
    await until('the other has it', () => other.seen.length > n);
  }
  deaf.client.resume();
  await closed;
  expect(deaf.seen.length).toBeLessThan(100);
  expect(other.client.readyState).toBe(WebSocket.OPEN);
});

it('a tunnel’s transitions are told as the journal has them, without secrets', async () => {
  const scene = await startScene();
  scene.tunnels = [tunnelView('p1', { controlPath: `/run/${SECRET}` })];
  const { seen } = await attach(scene);
  await until('the tunnel is introduced', () => seen.length > 0);
  expect(seen[0]).toMatchObject({
    type: '@xstate.actor',
    sessionId: 'tunnel/p1',
    name: 'tunnel@1 p1',
    snapshot: { status: 'active', value: 'healthy' },
  });
  expect(JSON.parse(seen[0]?.definition ?? '')).toMatchObject({ initial: 'starting' });
  scene.tunnels = [tunnelView('p1', { state: 'dead', attempt: 1, controlPath: `/run/${SECRET}` })];
  await scene.tell('tunnel@1', 'p1', ['healthy', 'holdForward.failed', 'dead'], { reason: `x: ${SECRET}` });
  await until('it is dead', () => seen.at(-1)?.snapshot?.value === 'dead');
  expect(seen.at(-2)).toMatchObject({
    type: '@xstate.event',
    event: { type: 'xstate.error.actor.holdForward' },
  });
  expect(seen.at(-1)).toMatchObject({ type: '@xstate.snapshot', snapshot: { context: { attempt: 1 } } });
  scene.tunnels = [];
  await scene.tell('tunnel@1', 'p1', ['dead', 'stop.requested', 'stopping']);
  await scene.tell('tunnel@1', 'p1', ['stopping', 'closeForward.done', 'stopped']);
  await until('it is done', () => seen.at(-1)?.snapshot?.status === 'done');
  expect(seen.filter(({ type }) => type === '@xstate.actor')).toHaveLength(1);
  expect(JSON.stringify(seen)).not.toContain(SECRET);
});
