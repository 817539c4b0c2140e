import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { FailureCode } from '../../../src/errors.ts';
import { createRunPod } from '../../../src/services/runpod/client.ts';
import type { CreatePodRequest } from '../../../src/services/runpod/pod-request.ts';
import { API_KEY, answerJson, listening } from './listening.ts';

const request: CreatePodRequest = { name: 'a', image: 'b', gpu: { id: 'NVIDIA A40', count: 1 } };
const signal = new AbortController().signal;
const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

const CREATE: [status: number, detail: string, code: FailureCode][] = [
  [400, NO_CAPACITY, 'gpuOutOfStock'],
  [400, 'mounts.network needs SECURE', 'placementRefused'],
  [401, 'invalid token', 'apiKeyRefused'],
  [402, 'insufficient balance', 'balanceEmpty'],
  [403, 'pool closed', 'apiForbidden'],
  [404, 'template not found', 'apiRequestRefused'],
  [422, 'Request validation failed.', 'apiRequestInvalid'],
  [429, 'slow down', 'apiRateLimited'],
  [500, 'oops', 'createUnanswered'],
  [503, 'oops', 'createUnanswered'],
];

describe('a create', () => {
  for (const [status, detail, code] of CREATE) {
    it(`answered ${status} “${detail.slice(0, 30)}” is ${code}, with RunPod's own detail`, async () => {
      const { runpod, heard } = await listening((response) =>
        answerJson(response, status, { title: 'x', status, detail }, { 'retry-after': '7' }),
      );
      const failure = runpod.createPod(request, signal);
      await expect(failure).rejects.toMatchObject({ code, detail: { detail } });
      if (status === 429) await expect(failure).rejects.toMatchObject({ detail: { retryAfterSeconds: 7 } });
      expect(heard).toHaveLength(1);
    });
  }

  it('whose connection breaks after it was sent is unanswered, and is not sent again', async () => {
    const { runpod, heard } = await listening((response) => response.destroy());
    await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ code: 'createUnanswered' });
    expect(heard).toHaveLength(1);
  });

  it('that stalls is unanswered', async () => {
    const { runpod } = await listening(() => undefined, { createTimeoutMs: 150 });
    await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ code: 'createUnanswered' });
  });

  for (const [title, body] of [
    ['not JSON', '<html>'],
    ['cut off', '{"id":"a'],
    ['of another shape', '{"pod":{}}'],
    ['empty', ''],
  ] as const) {
    it(`answered 201 with a body that is ${title} is unanswered`, async () => {
      const { runpod } = await listening((response) => {
        response.writeHead(201, { 'content-type': 'application/json' }).end(body);
      });
      await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ code: 'createUnanswered' });
    });
  }

  it('that nobody listens to was never sent', async () => {
    const runpod = createRunPod({ apiUrl: 'http://127.0.0.1:1/v2', apiKey: API_KEY });
    await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ code: 'apiUnreachable' });
  });

  it('that is redirected does not carry the key elsewhere', async () => {
    const { runpod, heard } = await listening((response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
    await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ name: 'AutopodError' });
    expect(heard).toHaveLength(1);
  });
});

describe('a read', () => {
  it('is tried again after a 503 and answers', async () => {
    let asked = 0;
    const { runpod } = await listening((response) => {
      asked += 1;
      if (asked === 1) answerJson(response, 503, { title: 'x', status: 503, detail: 'busy' });
      else answerJson(response, 200, { pods: [] });
    });
    expect(await runpod.listPods(signal)).toEqual([]);
    expect(asked).toBe(2);
  });

  it('of a pod that is not there names it', async () => {
    const { runpod } = await listening((response) =>
      answerJson(response, 404, { title: 'x', status: 404, detail: 'no' }),
    );
    await expect(runpod.getPod('p9', signal)).rejects.toMatchObject({
      code: 'podNotFound',
      detail: { podId: 'p9' },
    });
    await expect(runpod.getNetworkVolume('v9', signal)).rejects.toMatchObject({ code: 'volumeMissing' });
    await expect(runpod.terminatePod('p9', signal)).resolves.toBeUndefined();
  });

  it('with a refused key is an error, never an empty list', async () => {
    const { runpod } = await listening((response) =>
      answerJson(response, 401, { title: 'x', status: 401, detail: 'bad' }),
    );
    await expect(runpod.listPods(signal)).rejects.toMatchObject({ code: 'apiKeyRefused' });
  });

  it('with a status and fields nobody knows yet passes', async () => {
    const { runpod } = await listening((response) =>
      answerJson(response, 200, {
        pods: [{ id: 'p', name: 'n', status: 'HIBERNATING', warp: 9, cost: null }],
        next: 1,
      }),
    );
    expect(await runpod.listPods(signal)).toMatchObject([{ id: 'p', status: 'HIBERNATING' }]);
  });

  it('that is aborted says so, and not that the API failed', async () => {
    const { runpod } = await listening(() => undefined);
    await expect(runpod.listPods(AbortSignal.timeout(50))).rejects.not.toMatchObject({
      name: 'AutopodError',
    });
  });

  it('waits for the next minute when this one has nothing left', async () => {
    const { runpod, heard } = await listening((response) =>
      answerJson(response, 200, { pods: [] }, { ratelimit: '"minute";r=0;t=1, "hour";r=9;t=9' }),
    );
    await runpod.listPods(signal);
    const before = performance.now();
    await runpod.listPods(signal);
    expect(performance.now() - before).toBeGreaterThan(700);
    expect(heard).toHaveLength(2);
  });
});

it('an action the pod’s state forbids keeps RunPod’s words', async () => {
  const { runpod } = await listening((response) =>
    answerJson(response, 409, { title: 'x', status: 409, detail: 'is EXITED' }),
  );
  await expect(runpod.act('p1', 'stop', signal)).rejects.toMatchObject({
    code: 'podActionRefused',
    detail: { podId: 'p1', detail: 'is EXITED' },
  });
});

it('no failure carries the API key, however it is printed (I8)', async () => {
  const failures: unknown[] = [];
  const keep = (error: unknown) => failures.push(error);
  for (const status of [400, 401, 404, 409, 422, 429, 500]) {
    const { runpod } = await listening((response) =>
      answerJson(response, status, { title: 'x', status, detail: 'no' }),
    );
    await Promise.all([
      runpod.createPod(request, signal).catch(keep),
      runpod.listPods(signal).catch(keep),
      runpod.act('p', 'start', signal).catch(keep),
    ]);
  }
  const closed = createRunPod({ apiUrl: 'http://127.0.0.1:1/v2', apiKey: API_KEY });
  await Promise.all([closed.createPod(request, signal).catch(keep), closed.listPods(signal).catch(keep)]);
  expect(failures).toHaveLength(23);
  for (const failure of failures) {
    const printed = `${inspect(failure, { depth: 12, showHidden: true })}${JSON.stringify(failure)}${(failure as Error).stack}`;
    expect(printed).not.toContain(API_KEY);
  }
});
