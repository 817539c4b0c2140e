import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FaultInput } from '../../sim/faults.ts';
import { INSTANT } from '../../sim/scenario.ts';
import { type Simulator, startSimulator } from '../../sim/simulator.ts';
import type { Pod } from '../../sim/world/pod.ts';
import { control, readyPod } from '../sim/support/simulator.ts';
import { freePort } from '../support/free-port.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';
import {
  BASH,
  BUSYBOX,
  DASH,
  type GuardedPod,
  guardedPod,
  isThere,
  type Orders,
  pathWith,
  reaches,
  type Shell,
} from './program.ts';

const OURS = 1_800_000_000;

type Answer = { kind: FaultInput['kind']; times: number; status?: number; retryAfterSeconds?: number };

interface World {
  simulator: Simulator;
  pod: Pod;
  guard: GuardedPod;
  comfy: (body: object) => Promise<unknown>;
  /** Orders for this API and this ComfyUI. */
  orders: (changes: Orders) => Orders;
  /** What answers a request that ends the pod, from now on. */
  fault: (fault: Answer) => void;
  /** Another guard of the same pod, ended with the world. */
  another: (changes?: Partial<Parameters<typeof guardedPod>[1]>) => GuardedPod;
}

/** Claims of the program, under each of these shells; tests that run at once share no hook. */
function claim(title: string, shells: Shell[], body: (world: World) => Promise<void>): void {
  for (const shell of shells) {
    const named = `${title} (${shell[0]})`;
    if (!isThere(shell)) it.skip(`${named}: it is not on this machine`);
    else
      it(named, async () => {
        const simulator = await startSimulator({ scenario: { latencies: INSTANT, checkAnswers: true } });
        const guards: GuardedPod[] = [];
        try {
          const pod = await readyPod(simulator);
          const port = Number(await freePort());
          await pod.listen({ port });
          const another: World['another'] = (changes) => {
            const made = guardedPod(shell, { id: pod.id, key: 'sim-key', ...changes });
            guards.push(made);
            return made;
          };
          await body({
            simulator,
            pod,
            guard: another(),
            another,
            comfy: (to) => control(simulator, 'POST', `/pods/${pod.id}/comfy`, to),
            orders: (changes) => ({ api: simulator.url, port, ...changes }),
            fault: (fault) => simulator.world.addFaults([{ ...fault, route: 'podAction' } as never]),
          });
        } finally {
          for (const guard of guards) guard.end();
          await simulator.close();
        }
      });
  }
}

const EVERY = [DASH, BASH, BUSYBOX];
const ONE = [DASH];

describe.concurrent('the guard’s program', () => {
  claim(
    'is armed once its own key has read its own pod, and ends the pod when its time is up',
    EVERY,
    async ({ guard, pod, orders }) => {
      expect(await guard.arm(orders({ deadline: OURS + 3600 }))).toMatchObject({ state: 'armed' });
      guard.pass(3599);
      await guard.verb('beat', '0', '0');
      expect(pod.status).toBe('RUNNING');
      guard.pass(70);
      await reaches(guard, 'fired');
      expect(pod.status).toBe('EXITED');
      expect(guard.log).toContain('autopod guard: ending this pod (stop): its time was up');
    },
  );

  claim('leaves the first 20 s to an owner who was heard of just now', ONE, async ({ guard, orders }) => {
    await guard.arm(orders({ deadline: OURS + 600 }));
    guard.pass(599);
    await guard.verb('beat', '0', '0');
    guard.pass(20);
    await until('it has looked', () => guard.status().silent === '20');
    expect(guard.state).toBe('armed');
    guard.pass(1);
    await reaches(guard, 'fired');
  });

  claim(
    'ends it for good where that was asked for, and keeps why on the volume',
    EVERY,
    async ({ guard, pod, simulator, orders, another }) => {
      const volume = join(guard.folder, 'volume');
      mkdirSync(volume);
      await guard.arm(orders({ deadline: OURS + 60, verb: 'kill', volume }));
      guard.pass(121);
      await until('the pod is gone', () => !simulator.world.pods.has(pod.id));
      expect(readFileSync(join(volume, `.autopod/guard-${pod.id}`), 'utf8')).toBe(
        `${OURS + 121} time kill its time was up\n`,
      );
      const { before } = await another().arm(orders({ volume, deadline: OURS + 9999 }));
      expect(before).toBe(`${OURS + 121} time kill its time was up`);
    },
  );

  claim(
    'never ends it while a job runs, NaN in its queue, and does as soon as none does',
    EVERY,
    async ({ guard, pod, comfy, orders }) => {
      await comfy({ queue: { running: 1, pending: 2 }, nan: true });
      await guard.arm(orders({ deadline: OURS + 60, idle: 600 }));
      guard.pass(4000);
      await reaches(guard, 'due');
      expect(guard.status()).toMatchObject({ held: 'waits for a job of ComfyUI', use: 'ComfyUI has a job' });
      expect(pod.status).toBe('RUNNING');
      await comfy({ queue: {} });
      await reaches(guard, 'fired');
      expect(pod.status).toBe('EXITED');
    },
  );

  claim(
    'waits ten minutes for a ComfyUI that hangs, counted from its time, and then for nothing',
    ONE,
    async ({ another, comfy, orders }) => {
      const guard = another({ pageSeconds: '1' });
      await comfy({ state: 'hanging' });
      await guard.arm(orders({ deadline: OURS + 6000 }));
      guard.pass(5990);
      await until('it has looked', () => guard.status().at === String(OURS + 5990));
      guard.pass(100);
      await until('it is held', () => guard.status().held === 'ComfyUI does not say whether it has jobs');
      guard.pass(600);
      await reaches(guard, 'fired');
    },
  );

  claim('waits not at all for a ComfyUI that is dead', ONE, async ({ guard, pod, comfy, orders }) => {
    await guard.arm(orders({ deadline: OURS + 60 }));
    for (const listener of pod.listeners) listener.close();
    await comfy({ state: 'down' });
    guard.pass(90);
    await reaches(guard, 'fired');
  });

  claim('ends a pod that is idle, and not one in use', EVERY, async ({ guard, pod, orders }) => {
    const sees = (use: string) =>
      until(`it sees "${use}"`, () => {
        guard.pass(1);
        return guard.status().use === use;
      });
    await guard.arm(orders({ idle: 1800 }));
    guard.pass(1000);
    guard.process(77, 'sshd', 'sshd: root@pts/0');
    await sees('a shell is open on it');
    guard.pass(1000);
    await sees('a shell is open on it');
    guard.process(77, 'sftp-server', 'sftp-server');
    await sees('files are being copied');
    guard.process(77, 'sshd', 'sshd: root@notty');
    await sees('');
    await guard.verb('beat', '4000', '90');
    await sees('autopod has work on it');
    await guard.verb('beat', '4000', '0');
    await sees('');
    expect(pod.status).toBe('RUNNING');
    guard.pass(1801);
    await reaches(guard, 'fired');
    expect(guard.status().why).toMatch(/^idle for 3\d min$/);
  });

  claim(
    'waits past its time for work of autopod, and no longer than there are signs of it',
    ONE,
    async ({ guard, pod, orders }) => {
      await guard.arm(orders({ deadline: OURS + 60 }));
      await guard.verb('beat', '0', '300');
      guard.pass(200);
      await reaches(guard, 'due');
      expect([pod.status, guard.status().held]).toEqual(['RUNNING', 'waits for work of autopod']);
      guard.pass(101);
      await reaches(guard, 'fired');
    },
  );

  claim('takes a beat for life and not for use, unless it tells of use', ONE, async ({ guard, orders }) => {
    await guard.arm(orders({ idle: 600, alone: 300 }));
    for (let index = 0; index < 2; index++) {
      guard.pass(250);
      await guard.verb('beat', String(250 * (index + 1)), '0');
    }
    await until('it has looked', () => guard.status().at === String(OURS + 500));
    expect(guard.state).toBe('armed');
    await guard.verb('beat', '10', '0');
    guard.pass(200);
    await guard.verb('beat', '210', '0');
    await until('it has looked', () => guard.status().quiet === '210');
    expect(guard.state).toBe('armed');
    guard.pass(301);
    await reaches(guard, 'fired');
    expect(guard.status().why).toContain('nothing heard of its owner for 5 min');
  });

  claim(
    'obeys orders that give it more time while it is due and RunPod does not take the request',
    ONE,
    async ({ guard, pod, fault, orders }) => {
      fault({ kind: 'status', status: 500, times: 1000 });
      await guard.arm(orders({ deadline: OURS + 60 }));
      guard.pass(200);
      await until('it has been refused', () => guard.status().code === '500');
      expect(guard.state).toBe('due');
      expect(guard.log).toContain('RunPod does not end this pod (500)');
      const again = await guard.arm(orders({ seq: 2, now: OURS + 200, deadline: OURS + 3600 }));
      expect(again).toMatchObject({ seq: '2' });
      await reaches(guard, 'armed');
      expect(pod.status).toBe('RUNNING');
    },
  );

  const answers: [string, Answer, string][] = [
    ['401', { kind: 'status', status: 401, times: 1 }, '401'],
    ['403', { kind: 'status', status: 403, times: 1 }, '403'],
    ['500', { kind: 'status', status: 500, times: 1 }, '500'],
    ['429, and longer where that asks for it', { kind: '429', retryAfterSeconds: 40, times: 1 }, '429'],
    ['nothing, for the network is gone', { kind: 'dropBefore', times: 4 }, '000'],
  ];
  for (const [title, answer, code] of answers)
    claim(
      `asks again after ${title}`,
      code === '429' ? EVERY : ONE,
      async ({ guard, pod, simulator, fault, orders }) => {
        fault(answer);
        await guard.arm(orders({ deadline: OURS + 60 }));
        guard.pass(200);
        await until('it was refused', () => guard.status().code === code);
        expect([pod.status, guard.state]).toEqual(['RUNNING', 'due']);
        if (code === '429') {
          guard.pass(39);
          await until('it has looked', () => guard.status().at === String(OURS + 239));
          expect(guard.status().tries).toBe('1');
        }
        await until('the pod has stopped', () => {
          guard.pass(10);
          return pod.status === 'EXITED';
        });
        expect(simulator.world.faults.pending).toEqual([]);
      },
    );

  claim(
    'asks by RunPod’s own program, in both of its spellings, where the API refuses its key',
    ONE,
    async ({ guard, pod, fault, orders, another }) => {
      fault({ kind: 'status', status: 403, times: 1000 });
      const path = pathWith(guard.folder, 'curl');
      const said = join(guard.folder, 'said');
      writeFileSync(join(path, 'runpodctl'), `#!/bin/sh\necho "$*" >>${said}\n[ "$1" = stop ]\n`);
      chmodSync(join(path, 'runpodctl'), 0o755);
      const own = another({ path });
      await own.arm(orders({ deadline: OURS + 60 }));
      own.pass(200);
      await reaches(own, 'fired');
      expect(readFileSync(said, 'utf8')).toContain(`pod stop ${pod.id}\nstop pod ${pod.id}\n`);
    },
  );

  claim('asks again what RunPod took and did not do', ONE, async ({ guard, pod, orders }) => {
    pod.ignoredStops = 1;
    await guard.arm(orders({ deadline: OURS + 60 }));
    guard.pass(200);
    await reaches(guard, 'fired');
    expect(pod.status).toBe('RUNNING');
    guard.pass(60);
    await until('the pod has stopped', () => pod.status === 'EXITED');
  });

  claim(
    'keeps the later one of two machines’ orders, and one program runs',
    EVERY,
    async ({ guard, orders }) => {
      await guard.arm(orders({ seq: 5, deadline: OURS + 7200 }));
      const { pid } = pidOf(guard);
      const later = orders({ seq: 4, deadline: OURS + 60 });
      expect(await guard.arm(later)).toMatchObject({ seq: '5', deadline: String(OURS + 7200) });
      expect(pidOf(guard).pid).toBe(pid);
    },
  );

  claim('gives its place to another version, which takes the orders over', ONE, async ({ guard, orders }) => {
    await guard.arm(orders({ deadline: OURS + 7200 }));
    const before = pidOf(guard).pid;
    const other = orders({ program: 'p2', deadline: OURS + 7200 });
    expect(await guard.arm(other)).toMatchObject({ program: 'p2' });
    expect(pidOf(guard).pid).not.toBe(before);
    await until('the first one has ended', () => !runs(before));
  });

  claim('goes by no clock that anybody sets', ONE, async ({ guard, orders, another }) => {
    const bin = pathWith(guard.folder, 'curl');
    rmSync(join(bin, 'date'));
    writeFileSync(join(bin, 'date'), '#!/bin/sh\necho 1\n', { mode: 0o755 });
    const wrong = another({ path: bin });
    await wrong.arm(orders({ deadline: OURS + 3600 }));
    wrong.pass(3500);
    await until('it has looked', () => wrong.status().at === String(OURS + 3500));
    expect(wrong.state).toBe('armed');
    wrong.pass(200);
    await reaches(wrong, 'fired');
  });

  for (const tool of ['curl', 'wget', 'busybox wget', 'python3'])
    claim(
      `needs no more than ${tool}`,
      tool === 'busybox wget' ? (isThere(BUSYBOX) ? [BUSYBOX] : []) : ONE,
      async ({ guard, pod, comfy, orders, another }) => {
        const lean = another({ path: pathWith(guard.folder, tool) });
        await comfy({ queue: { running: 1 } });
        expect(await lean.arm(orders({ deadline: OURS + 60 }))).toMatchObject({ state: 'armed' });
        lean.pass(200);
        await reaches(lean, 'due');
        expect(lean.status().held).toBe('waits for a job of ComfyUI');
        await comfy({ queue: {} });
        await reaches(lean, 'fired');
        expect(pod.status).toBe('EXITED');
      },
    );

  claim(
    'is refused, in words, without a tool, a key, or a right to read the pod',
    EVERY,
    async ({ guard, orders, another }) => {
      const refused = async (changes: Parameters<World['another']>[0]) => {
        const made = another(changes);
        const report = await made.arm(orders({ deadline: OURS + 60 }));
        expect(made.status()).toEqual({});
        return report.refused;
      };
      expect(await refused({ path: pathWith(guard.folder) })).toContain('curl, wget and python3');
      expect(await refused({ key: '' })).toBe('the pod has no key of its own');
      expect(await refused({ key: 'other' })).toBe('RunPod answers the pod with 401');
      expect(await refused({ id: 'elsewhere' })).toBe('RunPod answers the pod with 404');
    },
  );

  claim('says so when it was killed, and is armed again', ONE, async ({ guard, orders }) => {
    await guard.arm(orders({ deadline: OURS + 600 }));
    guard.kill();
    await until('it is dead', async () => (await guard.verb('report')).state === 'dead');
    expect(await guard.arm(orders({ deadline: OURS + 600 }))).toMatchObject({ state: 'armed' });
  });

  claim(
    'ends when its plan is given up, and earlier orders do not bring it back',
    ONE,
    async ({ guard, orders }) => {
      await guard.arm(orders({ deadline: OURS + 600 }));
      const { pid } = pidOf(guard);
      await guard.arm(orders({ seq: 3, off: 1 }));
      await until('it has ended', () => !runs(pid));
      expect(await guard.arm(orders({ seq: 2, deadline: OURS + 60 }))).toMatchObject({
        state: 'off',
        seq: '3',
      });
      expect(await guard.arm(orders({ seq: 4, deadline: OURS + 60 }))).toMatchObject({ state: 'armed' });
    },
  );

  claim(
    'goes on where its folder is cleared away, and takes orders there again',
    ONE,
    async ({ guard, orders }) => {
      await guard.arm(orders({ deadline: OURS + 600 }));
      const { pid } = pidOf(guard);
      for (const file of ['pid', 'orders', 'status', 'beat'])
        rmSync(join(guard.folder, file), { force: true });
      await until('it is there again', () => guard.state === 'armed' && pidOf(guard).pid === pid);
      expect(await guard.arm(orders({ seq: 2, deadline: OURS + 60 }))).toMatchObject({ seq: '2' });
      guard.pass(200);
      await reaches(guard, 'fired');
    },
  );

  claim('ends the pod though the disk is full by then', ONE, async ({ guard, pod, orders, another }) => {
    using disk = smallDisk(256);
    if (!disk) return;
    const path = pathWith(guard.folder, 'curl');
    const full = another({ path, on: disk.path });
    try {
      await full.arm(orders({ deadline: OURS + 60 }));
      writeFileSync(join(disk.path, 'much'), Buffer.alloc(64 * 1024));
      expect(() => writeFileSync(join(disk.path, 'all'), Buffer.alloc(1024 * 1024))).toThrow(/ENOSPC/);
      rmSync(join(disk.path, 'much'));
      full.pass(100);
      writeFileSync(join(disk.path, 'rest'), 'x');
      await until('the pod has stopped', () => pod.status === 'EXITED');
    } finally {
      full.end();
    }
  });
});

function pidOf({ folder }: GuardedPod): { pid: number } {
  try {
    return { pid: Number(readFileSync(join(folder, 'pid'), 'utf8').split(' ')[0]) };
  } catch {
    return { pid: 0 };
  }
}

function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
