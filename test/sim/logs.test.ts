import { createParser } from 'eventsource-parser';
import { expect, it, onTestFinished } from 'vitest';
import type { Simulator } from '../../sim/simulator.ts';
import type { Pod } from '../../sim/world/pod.ts';
import { call, createPod, readyPod, simulate } from './support/simulator.ts';

it('tells the progress of an image pull on the system log', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const lines = (await read(simulator, pod, '?source=system', 5000)).map(({ line }) => line);
  expect(lines[0]).toBe('create container runpod/comfyui:latest');
  expect(lines[1]).toBe('latest Pulling from runpod/comfyui');
  expect(lines).toContainEqual(expect.stringMatching(/^\w+ Downloading \[=+> +\] 1\.2GB\/8\.4GB$/));
  expect(lines).toContainEqual(expect.stringMatching(/^\w+ Pull complete$/));
  expect(lines.at(-1)).toBe('start container runpod/comfyui:latest');
});

it("copies its ComfyUI at the first start, and ends the container's log with ComfyUI's own last line", async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const lines = (await read(simulator, pod, '?source=container', 5000)).map(({ line }) => line);
  expect(lines.at(-1)).toBe('[ComfyUI-Manager] All startup tasks have been completed.');
  expect(lines).toContain('To see the GUI go to: http://0.0.0.0:8188');
  expect(lines).toContainEqual(expect.stringContaining('Copying baked ComfyUI'));
  expect(lines.join()).not.toContain('Installing collected packages');
  expect(pod.comfyLogFile).toBeNull();
});

it('before 1.3.0 installs at the first start and keeps what ComfyUI says in comfyui.log', async () => {
  const simulator = await simulate({ comfyui: { imageRelease: '1.2' } });
  const pod = await readyPod(simulator);
  const lines = (await read(simulator, pod, '?source=container', 5000)).map(({ line }) => line);
  expect(lines).toContainEqual(expect.stringContaining('Installing collected packages'));
  expect(lines.at(-1)).toBe('Starting ComfyUI');
  expect(pod.comfyLogFile?.at(-1)).toBe('To see the GUI go to: http://0.0.0.0:8188');
});

for (const [title, scenario, words] of [
  ['of its own accord', { comfyui: { crashes: true } }, 'ModuleNotFoundError'],
  [
    'on a host with too old a driver',
    { oldDrivers: ['NVIDIA A40'] },
    'NVIDIA driver on your system is too old',
  ],
] as const) {
  it(`a ComfyUI that crashes ${title} leaves the pod running and says so`, async () => {
    const simulator = await simulate(scenario as object);
    const pod = await createPod(simulator);
    await simulator.world.until(() => pod.log.lines.some(({ line }) => line.includes('ComfyUI crashed')));
    expect([pod.status, pod.comfyui.state, pod.sshd.state]).toEqual(['RUNNING', 'down', 'up']);
    expect(pod.log.lines.map(({ line }) => line).join('\n')).toContain(words);
  });
}

it('backfills as many lines as asked, of both sources unless one is named', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  pod.log.add('system', 'last but one');
  pod.log.add('container', 'last');
  const lines = await read(simulator, pod, '?tail=2', 2);
  expect(lines.map(({ source, line }) => `${source} ${line}`)).toEqual([
    'system last but one',
    'container last',
  ]);
});

it('follows live, and takes up again where Last-Event-ID points, missing and repeating nothing', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  const first = await open(simulator, pod, '?tail=0');
  pod.log.add('container', 'one', 'two');
  const [, two] = await first.take(2);
  first.leave();
  pod.log.add('container', 'three');
  const second = await open(simulator, pod, '', { 'last-event-id': two?.id ?? '' });
  pod.log.add('container', 'four');
  expect((await second.take(2)).map(({ line }) => line)).toEqual(['three', 'four']);
});

it('resumes from a point in time, that line included', async () => {
  const simulator = await simulate();
  const pod = await readyPod(simulator);
  pod.log.add('container', 'marked', 'after');
  const marked = pod.log.lines.at(-2)?.ts ?? '';
  const lines = await read(simulator, pod, `?since=${encodeURIComponent(marked)}`, 2);
  expect(lines.map(({ line }) => line)).toEqual(['marked', 'after']);
});

it('can carry a sequence in its ids, and takes it back', async () => {
  const simulator = await simulate({ logIds: 'timestamp/sequence' });
  const pod = await readyPod(simulator);
  pod.log.add('container', 'one', 'two');
  const [one] = await read(simulator, pod, '?tail=2', 1);
  expect(one?.id).toMatch(/Z\/\d+$/);
  const stream = await open(simulator, pod, '', { 'last-event-id': one?.id ?? '' });
  expect((await stream.take(1))[0]?.line).toBe('two');
});

it('ends with the pod', async () => {
  const simulator = await simulate();
  const pod = await createPod(simulator);
  const stream = await open(simulator, pod, '?tail=0');
  await call(simulator, 'DELETE', `/pods/${pod.id}`);
  await stream.ended;
});

it('knows no log of an unknown pod, and no other source', async () => {
  const simulator = await simulate();
  const { id } = await createPod(simulator);
  expect((await call(simulator, 'GET', '/pods/none/logs')).status).toBe(404);
  expect((await call(simulator, 'GET', `/pods/${id}/logs?source=kernel`)).status).toBe(422);
  expect((await call(simulator, 'GET', `/pods/${id}/logs?tail=9999`)).status).toBe(422);
});

interface LogEvent {
  id: string | undefined;
  source: string;
  line: string;
  ts: string;
}

/** The first lines of a stream, no more than there are in the pod's log. */
async function read(simulator: Simulator, pod: Pod, query: string, most: number): Promise<LogEvent[]> {
  const source = /source=(\w+)/.exec(query)?.[1];
  const there = pod.log.lines.filter((line) => source === undefined || line.source === source).length;
  const stream = await open(simulator, pod, most > 100 ? `${query}&tail=${most}` : query);
  return stream.take(Math.min(most, there));
}

async function open(simulator: Simulator, pod: Pod, query: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(`${simulator.url}/pods/${pod.id}/logs${query}`, {
    headers: { authorization: 'Bearer sim-key', ...headers },
    signal: abort.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const events: LogEvent[] = [];
  let wake = () => {};
  const parser = createParser({
    onEvent: ({ id, data }) => {
      events.push({ id, ...JSON.parse(data) });
      wake();
    },
  });
  const pump = async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(chunk);
  };
  const ended = pump().catch(() => {});
  return {
    ended,
    leave: () => abort.abort(),
    async take(count: number): Promise<LogEvent[]> {
      while (events.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return events.splice(0, count);
    },
  };
}
