import { describe, expect, it } from 'vitest';
import { JobRecords, latestJobs } from '../../src/inspector/job-subjects.ts';
import { type Sources, subjectsOf, type Wording } from '../../src/inspector/subjects.ts';
import type { TunnelView } from '../../src/keeper/client.ts';

const wording: Wording = {
  failure: ({ code, detail }) => ({ what: `${code} ${JSON.stringify(detail)}` }),
  pastFailure: ({ reason }) => ({ what: `past ${reason}` }),
  candidate: ({ gpuName }) => gpuName,
};
const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second)).toISOString();
const entry = (machine: string, id: string, to: string, second: number, reason?: string) => ({
  at: at(second),
  machine,
  id,
  event: 'e',
  from: 'f',
  to,
  reason,
});
const record = (podId: string | null, snapshot: object = { value: 'ready' }) => ({
  schema: 1,
  machine: 'pod@1',
  facts: { podId, wish: { name: `name of ${podId}` } },
  snapshot,
  savedAt: at(0),
});
const tunnel = (podId: string, more: Partial<TunnelView> = {}): TunnelView => ({
  podId,
  state: 'healthy',
  since: at(1),
  localPort: 8188,
  remotePort: 8188,
  comfy: 'answering',
  bytesIn: 0,
  bytesOut: 0,
  startedAt: at(0),
  isTemporary: false,
  ...more,
});
const see = (sources: Partial<Sources>) =>
  subjectsOf({ pods: {}, tunnels: [], entries: [], drivers: new Map(), keeper: 7, wording, ...sources });

describe('a guard', () => {
  it('stands under its pod with its plan, says why it is not armed, and is not shown where there is none', () => {
    const guarded = record('p1');
    const standing = { state: 'refused', why: 'no key', since: at(5), seq: 1, last: null };
    Object.assign(guarded.facts, { guard: standing, autoStop: { stopAt: at(9) } });
    const [pod, guard, ...rest] = see({
      pods: { 'launch-1': guarded },
      entries: [entry('guard@1', 'p1', 'arming', 4)],
    });
    expect(rest).toEqual([]);
    expect(guard).toMatchObject({
      id: 'guard/p1',
      kind: 'guard',
      under: pod?.id,
      state: 'refused',
      since: at(5),
      isPast: false,
      failure: { words: { what: 'The guard is not armed: no key' } },
      facts: { plan: { stopAt: at(9) } },
    });
    Object.assign(guarded.facts, { guard: { ...standing, state: 'unarmed' } });
    expect(see({ pods: { 'launch-1': guarded } }).map(({ id }) => id)).toEqual(['pod/launch-1']);
  });
});

describe('the order of the list', () => {
  it('a tunnel stands under its own pod, also when it is past; what has no pod stands by itself', () => {
    const entries = [
      entry('pod@1', 'launch-0', 'terminated', 3),
      entry('tunnel@1', 'p0', 'stopped', 1),
      entry('tunnel@1', 'p2', 'stopped', 2),
    ];
    const subjects = see({
      pods: { 'launch-1': record('p1'), 'launch-2': record('p2') },
      tunnels: [tunnel('p9'), tunnel('p1')],
      entries,
    });
    expect(subjects.map(({ id, under, isPast }) => [id, under, isPast])).toEqual([
      ['pod/launch-1', null, false],
      ['tunnel/p1', 'pod/launch-1', false],
      ['pod/launch-2', null, false],
      ['tunnel/p2', 'pod/launch-2', true],
      ['tunnel/p9', null, false],
      ['pod/launch-0', null, true],
      ['tunnel/p0', null, true],
    ]);
  });

  it('a launch without a pod yet takes no tunnel', () => {
    const entries = [entry('pod@1', 'launch-0', 'terminated', 1)];
    const subjects = see({ pods: { 'launch-1': record(null) }, entries });
    expect(subjects.map(({ under }) => under)).toEqual([null, null]);
  });
});

describe('what is said of failures', () => {
  it('of a past one, the code and the journal’s reason, and nothing that is not known', () => {
    const entries = [
      entry('pod@1', 'launch-0', 'failed', 1, 'volumeMissing'),
      entry('tunnel@1', 'p0', 'failed', 2, 'sshKeyRefused: Permission denied'),
      entry('pod@1', 'launch-9', 'failed', 3),
    ];
    expect(see({ entries }).map(({ failure }) => failure)).toEqual([
      null,
      { code: 'sshKeyRefused', words: { what: 'past sshKeyRefused: Permission denied' } },
      { code: 'volumeMissing', words: { what: 'past volumeMissing' } },
    ]);
  });

  it('of a tunnel, with the pod it is about', () => {
    const failure = { code: 'sshUnreachable', detail: { detail: 'refused' } } as const;
    const [subject] = see({ tunnels: [tunnel('p1', { state: 'dead', failure, attempt: 3 })] });
    expect(subject?.failure?.words.what).toBe('sshUnreachable {"podId":"p1","detail":"refused"}');
    expect(subject?.facts).toMatchObject({ attempt: 3 });
  });
});

describe('why it waits', () => {
  it('while a pod is being placed: the candidates, and what RunPod said to them', () => {
    const plan = ['A40', 'A6000', 'L40'].map((gpuName) => ({ gpuId: gpuName, gpuName }));
    const refusals = [{ candidate: plan[0], failure: { code: 'gpuOutOfStock', detail: {} } }];
    const snapshot = { value: { creating: 'placing' }, plan, candidate: 1, refusals };
    const [subject] = see({ pods: { l: record(null, snapshot) } });
    expect(subject).toMatchObject({
      state: 'creating.placing',
      candidates: [
        { words: 'A40', refusal: 'gpuOutOfStock {}', isCurrent: false },
        { words: 'A6000', refusal: null, isCurrent: true },
        { words: 'L40', refusal: null, isCurrent: false },
      ],
    });
  });

  it('while it boots: until when', () => {
    const [subject] = see({ pods: { l: record('p1', { value: 'booting', readyBy: Date.parse(at(9)) }) } });
    expect(subject?.until).toBe(at(9));
  });

  it('with no keeper nobody knows since when a tunnel is dead', () => {
    const [subject] = see({ tunnels: [tunnel('p1', { state: 'dead' })], keeper: null });
    expect(subject?.since).toBe(null);
  });
});

describe('jobs', () => {
  const job = (podId: string | null) => ({
    schema: 1,
    machine: 'job@1',
    facts: { jobId: 'k3f9xw', name: 'portrait', podId, failure: null },
    snapshot: { value: 'running' },
    savedAt: at(0),
  });

  it('stand under their pod, at the state the journal tells', () => {
    const entries = [entry('job@1', 'k3f9xw', 'queued', 1), entry('job@1', 'k3f9xw', 'running', 2)];
    const subjects = see({ pods: { 'launch-1': record('p1') }, jobs: { k3f9xw: job('p1') }, entries });
    expect(subjects.map(({ id, under, state, title }) => [id, under, state, title])).toEqual([
      ['pod/launch-1', null, 'ready', 'name of p1'],
      ['job/k3f9xw', 'pod/launch-1', 'running', 'k3f9xw portrait'],
    ]);
  });

  it('that wait stand by themselves, and of a thousand those that moved last are read, each once', async () => {
    expect(see({ jobs: { k3f9xw: job(null) } }).map(({ id, under }) => [id, under])).toEqual([
      ['job/k3f9xw', null],
    ]);
    const entries = Array.from({ length: 1000 }, (_, n) => entry('job@1', `job-${n % 500}`, 'done', n % 60));
    const read: string[] = [];
    const records = new JobRecords(async (id) => {
      read.push(id);
      return job(null);
    });
    await records.of(latestJobs(entries));
    expect(Object.keys(await records.of(latestJobs(entries)))).toHaveLength(24);
    expect([read.length, read[0]]).toEqual([24, 'job-499']);
  });
});

it('a launch without a pod is called that, by its name, also when only the journal knows it', () => {
  const gone = { ...entry('pod@1', 'a71528e-0', 'failed', 3, 'gpuOutOfStock'), name: 'art' };
  const subjects = see({ pods: { 'a71528e-1': record(null) }, entries: [gone] });
  expect(subjects.map(({ kind, title, podId }) => [kind, title, podId])).toEqual([
    ['launch', 'name of null', null],
    ['launch', 'art', null],
  ]);
});
