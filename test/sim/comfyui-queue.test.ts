import { describe, expect, it } from 'vitest';
import type { ComfyUi } from '../../sim/comfyui/comfyui.ts';
import {
  ask,
  type Entry,
  idle,
  type Nodes,
  pictureNodes,
  play,
  played,
  post,
  read,
  shape,
  slowNodes,
  startComfyUi,
  submit,
  until,
  VERSIONS,
} from './support/comfyui.ts';

const CLIENT = { client_id: 'mine' };
const WORKFLOW = { extra_data: { extra_pnginfo: { workflow: { id: 'wf-1', nodes: [] } } } };
const FAILING: Nodes = {
  ...pictureNodes(),
  '2': { class_type: 'SimFail', inputs: { image: ['1', 0], message: 'it broke' } },
};

describe.each(VERSIONS)('version %s', (version) => {
  const { answers } = played(version);

  it('keeps in the history what was recorded of a success, and of one that was cached', async () => {
    const comfyui = startComfyUi({ version });
    const entry = await play(comfyui, pictureNodes('success'), { ...CLIENT, ...WORKFLOW });
    expect(shape(entry)).toEqual(shape(only(answers.D_success__GET_history_id)));
    const again = await play(comfyui, pictureNodes('success'), CLIENT);
    expect(shape(again)).toEqual(shape(only(answers.D_cached__GET_history_id)));
    expect(again.outputs).toEqual(entry.outputs);
  });

  it('lists the queue as recorded, and has no history of what waits or runs', async () => {
    const comfyui = startComfyUi({ version });
    const ids = await submitSlow(comfyui, 3);
    expect(shape(withoutPrompts(await read(comfyui, '/queue')))).toEqual(
      shape(withoutPrompts(answers.E_running__GET_queue)),
    );
    expect(await read(comfyui, `/history/${ids[0]}`)).toEqual({});
    expect(await read(comfyui, `/history/${ids[1]}`)).toEqual({});
    expect((await read(comfyui, '/prompt')).exec_info.queue_remaining).toBe(3);
  });

  it('tells an interrupt as recorded', async () => {
    const comfyui = startComfyUi({ version });
    await play(comfyui, pictureNodes());
    const [id = ''] = await submitSlow(comfyui, 1);
    await until(() => comfyui.queue.running.length === 1);
    await post(comfyui, '/interrupt', { prompt_id: id });
    await idle(comfyui);
    const entry = only(await read(comfyui, `/history/${id}`));
    const recorded = only(answers.F_interrupted__GET_history_id);
    expect(shape({ ...entry, prompt: [] })).toEqual(shape({ ...recorded, prompt: [] }));
  });

  it.each([
    ['a failure', 'G_error__GET_history_id', false, 'it broke\n', 'RuntimeError'],
    [
      'a full GPU',
      'G_error_oom__GET_history_id',
      true,
      /^CUDA out of memory.*\nThis error means/,
      'torch.OutOfMemoryError',
    ],
  ])('tells %s as recorded, with the nodes that ran before', async (_, name, oom, message, type) => {
    const nodes = structuredClone(FAILING);
    Object.assign(nodes['2']?.inputs ?? {}, { oom });
    const entry = await play(startComfyUi({ version }), nodes, CLIENT);
    const recorded = only(answers[name]);
    const [error, wanted] = [lastMessage(entry), lastMessage(recorded)];
    expect(Object.keys(error)).toEqual(Object.keys(wanted));
    expect(error.exception_message).toMatch(message);
    expect(error).toMatchObject({
      exception_type: type,
      node_id: '2',
      node_type: 'SimFail',
      executed: ['1'],
    });
    expect(entry.status).toMatchObject({ status_str: 'error', completed: false });
    expect(entry.outputs).toEqual({});
  });

  it('runs only the outputs that are asked for', async () => {
    const prompt = {
      ...pictureNodes('a'),
      '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'b' } },
    };
    const entry = await play(startComfyUi({ version }), prompt, {
      ...CLIENT,
      partial_execution_targets: ['9'],
    });
    expect(shape(entry)).toEqual(shape(only(answers.X_GET_history_partial)));
  });

  it('names previews and subfolders as recorded', async () => {
    const comfyui = startComfyUi({ version });
    const preview = { ...pictureNodes(), '3': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } } };
    const [shown] = (await play(comfyui, preview)).outputs['3'].images;
    expect(shown).toMatchObject({ subfolder: '', type: 'temp' });
    expect(shown.filename).toMatch(/^ComfyUI_temp_[a-z]{5}_00001_\.png$/);
    const { outputs } = await play(comfyui, pictureNodes('sub/dir/out'));
    expect(outputs).toEqual(only(answers.H_upload__GET_history_subfolder_output).outputs);
  });
});

it('lists jobs, newest first, as recorded, by status and in pages', async () => {
  const { answers } = played('0.33.0');
  const comfyui = startComfyUi();
  const id = await submit(comfyui, pictureNodes(), { ...CLIENT, ...WORKFLOW });
  await idle(comfyui);
  const detail = await read(comfyui, `/api/jobs/${id}`);
  expect(shape(detail)).toEqual(shape(answers.D_success__GET_job));
  const page = await read(comfyui, '/api/jobs?status=completed&limit=1&sort_by=created_at');
  expect(shape(page)).toEqual(shape(answers.D_success__GET_jobs_filter));
  const refused = await ask(comfyui, 'GET', '/api/jobs?status=bogus');
  expect([refused.status, refused.json]).toEqual([400, answers.D_success__GET_jobs_bad_status]);

  const [running, pending] = await submitSlow(comfyui, 2);
  const { jobs } = await read(comfyui, '/api/jobs');
  expect(jobs.map((job: Entry) => [job.id, job.status])).toEqual([
    [pending, 'pending'],
    [running, 'in_progress'],
    [id, 'completed'],
  ]);
  expect(shape(await read(comfyui, `/api/jobs/${running}`))).toEqual(
    shape(answers.E_running__GET_job_running),
  );
});

it('cancels a job that waits and one that runs, and tells a failure', async () => {
  const { answers } = played('0.33.0');
  const comfyui = startComfyUi();
  const [running, pending] = await submitSlow(comfyui, 2);
  expect((await post(comfyui, `/api/jobs/${pending}/cancel`, {})).json).toEqual({ cancelled: true });
  expect((await ask(comfyui, 'GET', `/api/jobs/${pending}`)).status).toBe(404);
  expect((await post(comfyui, `/api/jobs/${running}/cancel`, {})).json).toEqual({ cancelled: true });
  await idle(comfyui);
  const cancelled = await read(comfyui, `/api/jobs/${running}`);
  expect(Object.keys(cancelled)).toEqual(Object.keys(answers.F_interrupted__GET_job ?? {}));
  expect((await post(comfyui, '/api/jobs/nothing/cancel', {})).json).toEqual({ cancelled: false });
  const failed = await submit(comfyui, FAILING, CLIENT);
  await idle(comfyui);
  const detail = await read(comfyui, `/api/jobs/${failed}`);
  expect(Object.keys(detail)).toEqual(Object.keys(answers.G_error__GET_job ?? {}));
});

it('runs two jobs of one id, and the history has the later one', async () => {
  const comfyui = startComfyUi();
  const prompt_id = '4b6d8f06-68ce-4900-93ce-444a5767a841';
  await submit(comfyui, pictureNodes('pid', { color: 1 }), { prompt_id });
  await submit(comfyui, pictureNodes('pid', { color: 2 }), { prompt_id });
  await idle(comfyui);
  const entry = only(await read(comfyui, `/history/${prompt_id}`));
  expect(entry.outputs['3'].images).toEqual([{ filename: 'pid_00002_.png', subfolder: '', type: 'output' }]);
  expect(comfyui.storage.list('output')).toEqual(['pid_00001_.png', 'pid_00002_.png']);
});

it('keeps what waits in a heap: the front and the least number come first', async () => {
  const comfyui = startComfyUi();
  const ids = [
    await submit(comfyui, slowNodes(600)),
    await submit(comfyui, slowNodes(600)),
    await submit(comfyui, slowNodes(600), { front: true }),
    await submit(comfyui, slowNodes(600), { number: -100 }),
  ];
  const numbers = (await read(comfyui, '/queue')).queue_pending.map(([number]: [number]) => number);
  expect(numbers).toEqual([-100, 1, -2]);
  const started: string[] = [];
  while (comfyui.queue.remaining > 0) {
    const id = comfyui.queue.running[0]?.id ?? '';
    started.push(id);
    comfyui.queue.interrupt(id);
    await until(() => comfyui.queue.running[0]?.id !== id);
  }
  expect(started).toEqual([ids[0], ids[3], ids[2], ids[1]]);
});

it('takes a job out of the queue without a trace, and neither deletes nor interrupts another', async () => {
  const comfyui = startComfyUi();
  const [running = '', pending = ''] = await submitSlow(comfyui, 2);
  await post(comfyui, '/interrupt', { prompt_id: pending });
  await post(comfyui, '/queue', { delete: [running] });
  expect(comfyui.queue.running.map(({ id }) => id)).toEqual([running]);
  await post(comfyui, '/queue', { delete: [pending] });
  expect(comfyui.queue.pending).toEqual([]);
  expect(await read(comfyui, `/history/${pending}`)).toEqual({});
});

it('keeps what was made before a failure', async () => {
  const prompt = {
    ...pictureNodes(),
    '8': { class_type: 'SimFail', inputs: { image: ['2', 0], message: 'late' } },
  };
  const { outputs, status } = await play(startComfyUi(), prompt);
  expect([status.status_str, Object.keys(outputs)]).toEqual(['error', ['3']]);
});

it('gives the newest of the history, or some from an offset', async () => {
  const comfyui = startComfyUi();
  const ids: string[] = [];
  for (const color of [1, 2, 3]) ids.push(await submit(comfyui, pictureNodes('h', { color })));
  await idle(comfyui);
  expect(Object.keys(await read(comfyui, '/history?max_items=2'))).toEqual(ids.slice(1));
  expect(Object.keys(await read(comfyui, '/history?max_items=1&offset=1'))).toEqual([ids[1]]);
});

it('plays thousands of jobs that take no time, the last ones like the first ones', async () => {
  const comfyui = startComfyUi();
  const playMany = async (count: number, from: number) => {
    const begun = process.cpuUsage();
    for (let index = 0; index < count; index++)
      comfyui.queue.submit(pictureNodes('m', { color: from + index }));
    await idle(comfyui);
    return process.cpuUsage(begun).user / count;
  };
  await playMany(300, 0);
  const few = await playMany(300, 300);
  const many = await playMany(2400, 600);
  expect(many).toBeLessThan(few * 4);
  expect(comfyui.queue.history.size).toBe(3000);
});

async function submitSlow(comfyui: ComfyUi, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) ids.push(await submit(comfyui, slowNodes(600), CLIENT));
  return ids;
}

function only(history: Record<string, unknown> = {}): Entry {
  return Object.values(history)[0];
}

function lastMessage(entry: Entry): Record<string, unknown> {
  return entry.status.messages.at(-1)[1];
}

/** The recorded jobs are of other nodes. */
function withoutPrompts(queue: Entry): Entry {
  const withoutPrompt = (item: unknown[]) => item.toSpliced(2, 1);
  return {
    queue_running: queue.queue_running.map(withoutPrompt),
    queue_pending: queue.queue_pending.map(withoutPrompt),
  };
}
