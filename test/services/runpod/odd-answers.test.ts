import { describe, expect, it } from 'vitest';
import type { CreatePodRequest } from '../../../src/services/runpod/pod-request.ts';
import { observePod } from '../../../src/services/runpod/pod-state.ts';
import { answerJson, listening } from './listening.ts';

const signal = new AbortController().signal;
const request: CreatePodRequest = { name: 'a', image: 'b', gpu: { id: 'NVIDIA A40', count: 1 } };
const LOGIN = '<!doctype html><html><head><title>Sign in to the hotel</title></head></html>';
const page = (status: number) => ({ status, headers: { 'content-type': 'text/html' }, body: LOGIN });

describe('one odd pod in the account', () => {
  it.each([
    ['env is null', { env: null }],
    ['env has null and a number in it', { env: { A: null, B: 7, AUTOPOD_LAUNCH_ID: 'kept' } }],
    ['env is a list', { env: ['A=1'] }],
    ['its GPU has no id', { gpu: { id: null, count: 1 } }],
    ['its ssh address is null', { ssh: { direct: { host: null, port: null, username: null } } }],
    ['its mounts are of another kind', { mounts: { network: [{ globalVolumeId: 'gsb_1' }] } }],
    ['its status and name are missing', { status: null, name: 5 }],
    ['its cost and times are text', { cost: '0.4', runtime: { uptime: 'long' }, createdAt: 12 }],
  ])('%s: the others are read, and it is listed', async (_, odd) => {
    const pods = [
      { id: 'odd1', status: 'RUNNING', ...odd },
      { id: 'good', name: 'good', status: 'EXITED' },
    ];
    const { runpod } = await listening((response) => answerJson(response, 200, { pods }));
    const listed = await runpod.listPods(signal);
    expect(listed.map(({ id }) => id)).toEqual(['odd1', 'good']);
    expect(() => listed.map(observePod)).not.toThrow();
  });

  it('keeps the variables that can be read: ours is found by its launch id', async () => {
    const pods = [{ id: 'odd1', status: 'RUNNING', env: { A: null, AUTOPOD_LAUNCH_ID: 'kept' } }];
    const { runpod } = await listening((response) => answerJson(response, 200, { pods }));
    expect((await runpod.listPods(signal))[0]?.env).toEqual({ AUTOPOD_LAUNCH_ID: 'kept' });
  });

  it('without an id is left out, for nobody could act on it', async () => {
    const pods = [{ status: 'RUNNING' }, null, 'pod', { id: 'good', status: 'RUNNING' }];
    const { runpod } = await listening((response) => answerJson(response, 200, { pods }));
    expect((await runpod.listPods(signal)).map(({ id }) => id)).toEqual(['good']);
  });

  it('whose GPU has no name has a GPU all the same', async () => {
    const { runpod } = await listening((response) =>
      answerJson(response, 200, { id: 'odd1', status: 'RUNNING', gpu: { id: null, count: 2 } }),
    );
    expect(observePod(await runpod.getPod('odd1', signal))).toMatchObject({
      gpuName: 'unreadable',
      gpuCount: 2,
    });
  });
});

describe('what is not RunPod’s API', () => {
  it.each([
    [
      'a redirect',
      { status: 307, headers: { location: 'https://login.example/in' }, body: '' },
      'redirects to https://login.example',
    ],
    ['a redirect to nowhere', { status: 302, headers: {}, body: '' }, 'It redirects.'],
    ['a login page', page(200), 'Sign in to the hotel'],
    ['a refusal of the edge', page(403), 'Sign in to the hotel'],
    ['a page that is missing', page(404), 'A web page answered'],
  ])('%s is told as what it is: for a read, an act, an end and a create', async (_, answer, words) => {
    const { runpod, heard } = await listening((response) =>
      response.writeHead(answer.status, answer.headers).end(answer.body),
    );
    const asked = [
      () => runpod.listPods(signal),
      () => runpod.getPod('pod1', signal),
      ...(answer.status === 200 ? [] : [() => runpod.createPod(request, signal)]),
      () => runpod.act('pod1', 'stop', signal),
      () => runpod.terminatePod('pod1', signal),
    ];
    for (const one of asked) {
      await expect(one()).rejects.toMatchObject({
        code: 'apiElsewhere',
        detail: { detail: expect.stringContaining(words), status: answer.status },
      });
    }
    expect(heard).toHaveLength(asked.length);
  });

  it('a page with a good status may hide what a create did', async () => {
    const { runpod } = await listening((response) => response.writeHead(200, page(200).headers).end(LOGIN));
    await expect(runpod.createPod(request, signal)).rejects.toMatchObject({ code: 'createUnanswered' });
  });

  it('a page of a gateway in trouble passes', async () => {
    const { runpod } = await listening((response) => response.writeHead(502, page(502).headers).end(LOGIN));
    await expect(runpod.listPods(signal)).rejects.toMatchObject({ code: 'apiUnavailable' });
  });

  it('a page in the place of a log is no empty log', async () => {
    const { runpod } = await listening((response) => response.writeHead(200, page(200).headers).end(LOGIN));
    const read = async () => {
      for await (const _ of runpod.podLogs('pod1', {}, { signal })) return;
    };
    await expect(read()).rejects.toMatchObject({ code: 'apiElsewhere' });
  });

  it('a right that is missing is named', async () => {
    const { runpod } = await listening((response) => answerJson(response, 403, { title: 'x', detail: 'no' }));
    await expect(runpod.registeredSshKeys(signal)).rejects.toMatchObject({
      code: 'apiForbidden',
      detail: { operation: 'GET account/ssh-keys' },
    });
  });
});
