import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Simulator } from '../../sim/simulator.ts';
import type { Pod } from '../../sim/world/pod.ts';
import { control, readyPod, simulate } from '../sim/support/simulator.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { type GuardedPod, guardedPod, pathWith, reaches, SHELLS } from './program.ts';

const OURS = 1_800_000_000;

for (const shell of SHELLS)
  describe(`the guard under ${shell[0]}`, { timeout: 60_000 }, () => {
    let simulator: Simulator;
    let pod: Pod;
    let guard: GuardedPod;
    let port: number;
    const comfy = (body: object) => control(simulator, 'POST', `/pods/${pod.id}/comfy`, body);
    const orders = (changes: object) => ({ api: simulator.url, port, ...changes });
    const actions = () =>
      simulator.world.requests.entries.filter(({ operationId }) => operationId === 'podAction');

    beforeEach(async () => {
      simulator = await simulate();
      pod = await readyPod(simulator);
      port = Number(await freePort());
      await pod.listen({ port });
      guard = guardedPod(shell, { id: pod.id, key: 'sim-key' });
    });

    it('is armed once its own key has read its own pod, and ends the pod when its time is up', async () => {
      expect(await guard.arm(orders({ deadline: OURS + 3600 }))).toMatchObject({ state: 'armed' });
      expect(pod.status).toBe('RUNNING');
      guard.pass(3599);
      await guard.verb('beat', '0');
      expect(pod.status).toBe('RUNNING');
      guard.pass(70);
      await reaches(guard, 'fired');
      expect(pod.status).toBe('EXITED');
      expect(guard.log).toContain('autopod guard: ending this pod (stop): its time was up');
    });

    it('leaves the first 20 s to an owner who was heard of just now', async () => {
      await guard.arm(orders({ deadline: OURS + 600 }));
      guard.pass(600);
      await guard.verb('beat', '0');
      guard.pass(19);
      await until('it has looked', () => guard.status().silent === '19');
      expect(guard.state).toBe('armed');
      guard.pass(1);
      await reaches(guard, 'fired');
    });

    it('ends it for good where that was asked for, and keeps why on the volume', async () => {
      const volume = mkdtempSync(join(tmpdir(), 'volume-'));
      onTestFinished(() => rmSync(volume, { recursive: true, force: true }));
      await guard.arm(orders({ deadline: OURS + 60, verb: 'kill', volume }));
      guard.pass(121);
      await until('the pod is gone', () => !simulator.world.pods.has(pod.id));
      expect(readFileSync(join(volume, `.autopod/guard-${pod.id}`), 'utf8')).toBe(
        `${OURS + 121} time kill its time was up\n`,
      );
      const { before } = await guardedPod(shell, { id: pod.id, key: 'sim-key' }).arm(
        orders({ volume, deadline: OURS + 9999 }),
      );
      expect(before).toBe(`${OURS + 121} time kill its time was up`);
    });

    it('never ends it while a job runs, and does as soon as none does', async () => {
      await comfy({ queue: { running: 1, pending: 2 } });
      await guard.arm(orders({ deadline: OURS + 60 }));
      guard.pass(4000);
      await reaches(guard, 'due');
      expect(guard.status().held).toBe('waits for a job of ComfyUI');
      await comfy({ queue: {} });
      await reaches(guard, 'fired');
      expect(pod.status).toBe('EXITED');
    });

    it('counts jobs whose workflows have NaN in them', async () => {
      await comfy({ queue: { running: 1 }, nan: true });
      await guard.arm(orders({ idle: 600 }));
      guard.pass(601);
      await until('it has seen the job', () => guard.status().use === 'ComfyUI has a job');
      expect(guard.state).toBe('armed');
    });

    it('waits ten minutes for a ComfyUI that hangs, and not at all for one that is dead', async () => {
      await comfy({ state: 'hanging' });
      await guard.arm(orders({ deadline: OURS + 60, grace: 900 }));
      guard.pass(200);
      await until(
        'it is held',
        () => guard.status().held === 'ComfyUI does not say whether it has jobs',
        40_000,
      );
      for (const listener of pod.listeners) listener.close();
      await comfy({ state: 'down' });
      await reaches(guard, 'fired');
    });

    it('ends a pod that is idle, and not one in use', async () => {
      const sees = (use: string) =>
        until(`it sees "${use}": ${JSON.stringify(guard.status())}`, () => {
          guard.pass(1);
          return guard.status().use === use;
        });
      await guard.arm(orders({ idle: 1800 }));
      guard.pass(1000);
      guard.process(77, 'sshd', 'sshd: root@pts/0');
      await sees('a shell is open on it');
      guard.pass(1000);
      await sees('a shell is open on it');
      guard.process(77, 'sshd', 'sshd: root@notty');
      await sees('');
      await guard.verb('mark', 'download', '6000');
      await sees('autopod has work on it');
      await guard.verb('unmark', 'download');
      await sees('');
      expect(pod.status).toBe('RUNNING');
      guard.pass(1801);
      await reaches(guard, 'fired');
      expect(guard.status().why).toMatch(/^idle for 3\d min$/);
    });

    it('takes a beat for life and not for use, unless it tells of use', async () => {
      await guard.arm(orders({ idle: 600, alone: 300 }));
      for (let index = 0; index < 2; index++) {
        guard.pass(250);
        await guard.verb('beat', String(250 * (index + 1)));
      }
      await until('it has looked', () => guard.status().at === String(OURS + 500));
      expect(guard.state).toBe('armed');
      await guard.verb('beat', '10');
      guard.pass(200);
      await guard.verb('beat', '210');
      await until('it has looked', () => guard.status().quiet === '210');
      expect(guard.state).toBe('armed');
      guard.pass(301);
      await reaches(guard, 'fired');
      expect(guard.status().why).toContain('nothing heard of its owner for 5 min');
    });

    it('obeys orders given while it is due and RunPod does not take the request', async () => {
      simulator.world.addFaults([{ route: 'podAction', kind: 'status', status: 500, times: 1000 } as never]);
      await guard.arm(orders({ deadline: OURS + 60 }));
      guard.pass(200);
      await reaches(guard, 'due');
      await until('it has been refused', () => guard.status().code === '500');
      expect(guard.log).toContain('RunPod does not end this pod (500)');
      expect(await guard.arm(orders({ seq: 2, now: OURS + 200, deadline: OURS + 3600 }))).toMatchObject({
        seq: '2',
      });
      await reaches(guard, 'armed');
      expect(pod.status).toBe('RUNNING');
    });

    for (const status of [401, 403, 429, 500])
      it(`asks again after ${status}`, async () => {
        simulator.world.addFaults([{ route: 'podAction', kind: 'status', status, times: 1 } as never]);
        await guard.arm(orders({ deadline: OURS + 60 }));
        guard.pass(200);
        await until('it was refused', () => guard.status().code === String(status));
        guard.pass(70);
        await reaches(guard, 'fired');
        expect(pod.status).toBe('EXITED');
      });

    it('asks again what RunPod took and did not do', async () => {
      pod.ignoredStops = 1;
      await guard.arm(orders({ deadline: OURS + 60 }));
      guard.pass(200);
      await reaches(guard, 'fired');
      expect(pod.status).toBe('RUNNING');
      guard.pass(60);
      await until('the pod has stopped', () => pod.status === 'EXITED');
      expect(actions().length).toBeGreaterThanOrEqual(2);
    });

    it('keeps the later one of two machines’ orders, and one program runs', async () => {
      await guard.arm(orders({ seq: 5, deadline: OURS + 7200 }));
      const { pid, ...first } = pidOf(guard);
      expect(await guard.arm(orders({ seq: 4, deadline: OURS + 60 }))).toMatchObject({
        seq: '5',
        deadline: String(OURS + 7200),
      });
      expect(pidOf(guard)).toEqual({ pid, ...first });
    });

    it('gives its place to another version, which takes the orders over', async () => {
      await guard.arm(orders({ deadline: OURS + 7200 }));
      const before = pidOf(guard).pid;
      expect(await guard.arm(orders({ program: 'p2', deadline: OURS + 7200 }))).toMatchObject({
        program: 'p2',
      });
      expect(pidOf(guard).pid).not.toBe(before);
      await until('the first one has ended', () => !runs(before));
    });

    it('goes by no clock that anybody sets', async () => {
      const bin = pathWith(guard.folder, 'curl');
      rmSync(join(bin, 'date'));
      writeFileSync(join(bin, 'date'), '#!/bin/sh\necho 1\n', { mode: 0o755 });
      const wrong = guardedPod(shell, { id: pod.id, key: 'sim-key', path: bin });
      await wrong.arm(orders({ deadline: OURS + 3600 }));
      wrong.pass(3500);
      await until('it has looked', () => wrong.status().at === String(OURS + 3500));
      expect(wrong.state).toBe('armed');
      wrong.pass(200);
      await reaches(wrong, 'fired');
    });

    for (const tool of ['curl', 'wget', 'python3'])
      it(`needs no more than ${tool}`, async () => {
        const path = pathWith(guard.folder, tool);
        const lean = guardedPod(shell, { id: pod.id, key: 'sim-key', path });
        await comfy({ queue: { running: 1 } });
        expect(await lean.arm(orders({ deadline: OURS + 60 }))).toMatchObject({ state: 'armed' });
        lean.pass(200);
        await reaches(lean, 'due');
        expect(lean.status().held).toBe('waits for a job of ComfyUI');
        await comfy({ queue: {} });
        await reaches(lean, 'fired');
        expect(pod.status).toBe('EXITED');
      });

    it('is refused, in words, without a tool, a key, or a right to read the pod', async () => {
      const arm = async (made: GuardedPod) => (await made.arm(orders({ deadline: OURS + 60 }))).refused;
      expect(
        await arm(guardedPod(shell, { id: pod.id, key: 'sim-key', path: pathWith(guard.folder) })),
      ).toContain('curl, wget and python3');
      expect(await arm(guardedPod(shell, { id: pod.id, key: '' }))).toBe('the pod has no key of its own');
      expect(await arm(guardedPod(shell, { id: pod.id, key: 'other' }))).toBe(
        'RunPod answers the pod with 401',
      );
      expect(await arm(guardedPod(shell, { id: 'elsewhere', key: 'sim-key' }))).toBe(
        'RunPod answers the pod with 404',
      );
    });

    it('says so when it was killed, and is armed again', async () => {
      await guard.arm(orders({ deadline: OURS + 600 }));
      guard.kill();
      await until('it is dead', async () => (await guard.verb('report')).state === 'dead');
      expect(await guard.arm(orders({ deadline: OURS + 600 }))).toMatchObject({ state: 'armed' });
    });

    it('ends when there is nothing to guard any more', async () => {
      await guard.arm(orders({ deadline: OURS + 600 }));
      const { pid } = pidOf(guard);
      await guard.arm(orders({ seq: 2, off: 1 }));
      await until('it has ended', () => !runs(pid));
      expect((await guard.verb('report')).state).toBe('off');
    });
  });

function pidOf({ folder }: GuardedPod): { pid: number; start: string } {
  const [pid, start = ''] = readFileSync(join(folder, 'pid'), 'utf8').trim().split(' ');
  return { pid: Number(pid), start };
}

function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
