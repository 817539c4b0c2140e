import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../sim/simulator.ts';
import { control, createPod, simulate } from './support/simulator.ts';

const root = new URL('../../', import.meta.url);

it('leaves nothing open: a process that closes its simulator ends by itself', async () => {
  const script = `
    import { startSimulator } from './sim/simulator.ts';
    const { url, world, close } = await startSimulator();
    const headers = { authorization: 'Bearer sim-key' };
    const body = JSON.stringify({ name: 'x', image: 'i', ports: ['22/tcp'], gpu: { id: 'NVIDIA A40', count: 1 } });
    const { id } = await (await fetch(url + '/pods', { method: 'POST', headers, body })).json();
    await world.until(() => world.pod(id).sshd.port !== null);
    const logs = await fetch(url + '/pods/' + id + '/logs', { headers });
    await close();
    await logs.text().catch(() => {});
    setImmediate(() => console.log(JSON.stringify(process.getActiveResourcesInfo().filter((r) => /TCP|UDP|Timeout/.test(r)))));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { cwd: root },
  );
  expect(JSON.parse(stdout)).toEqual([]);
});

it('closes in the middle of everything, twice if need be', async () => {
  const simulator = await startSimulator();
  await createPod(simulator);
  await Promise.all([simulator.close(), simulator.close()]);
  await expect(fetch(simulator.url)).rejects.toThrow('fetch failed');
});

it('closes itself when the control route asks, if nobody else is to', async () => {
  const simulator = await simulate();
  expect((await control(simulator, 'POST', '/shutdown')).status).toBe(200);
  await simulator.close();
});

it('says which port is taken', async () => {
  const simulator = await simulate();
  const port = Number(new URL(simulator.url).port);
  await expect(startSimulator({ port })).rejects.toThrow('EADDRINUSE');
});

it.each(['SIGTERM', 'SIGINT', 'shutdown'] as const)(
  'runs as a program until %s, and ends with 0',
  async (how) => {
    const { child, announced } = await runProgram({ json: true, apiKey: 'secret' });
    const { url, controlUrl } = announced;
    expect((await fetch(`${url}/pods`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
    if (how === 'shutdown') await fetch(`${controlUrl}/shutdown`, { method: 'POST' });
    else child.kill(how);
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);

function startProgram(options: Record<string, unknown>): ChildProcess {
  const script = `
    import { runSim } from './sim/main.ts';
    process.exitCode = await runSim(${JSON.stringify(options)});
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: root,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function runProgram(options: Record<string, unknown>) {
  const child = startProgram(options);
  if (!child.stdout) throw new Error('no stdout');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, announced: JSON.parse(line) as { url: string; controlUrl: string } };
}
