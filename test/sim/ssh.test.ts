import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { INSTANT, type ScenarioInput } from '../../sim/scenario.ts';
import { changeKeys } from '../../src/keeper/pod-keys.ts';
import { control, createPod, ready, simulate } from './support/simulator.ts';
import {
  forward,
  generateKey,
  get,
  runSsh,
  scratchDirectory,
  sshArguments,
  startHeartbeat,
  startSsh,
} from './support/ssh.ts';

/** Which of the two depends on who writes last. */
const CUT = /^(ECONNRESET|EPIPE)$/;
const SLOW_COMFYUI = { ...INSTANT, comfyStartMs: 60_000 };

it.each(['ed25519', 'rsa', 'ecdsa'] as const)(
  'lets in an %s key of PUBLIC_KEY, among several',
  async (type) => {
    const { pod, target, directory } = await sshPod();
    const key = generateKey(directory, type);
    pod.spec.env.PUBLIC_KEY = `${generateKey(directory).publicKey}\n# a comment\n${key.publicKey}\n`;
    const { code, stdout } = await runSsh({ ...target, keyFile: key.file }, [], ['echo', 'in']);
    expect([code, stdout]).toEqual([0, 'in\n']);
  },
);

it('refuses any other key, any other user, and everybody when there is no PUBLIC_KEY', async () => {
  const { pod, target, directory } = await sshPod();
  const stranger = { ...target, keyFile: generateKey(directory).file };
  const refused = { code: 255, stderr: expect.stringContaining('Permission denied (publickey)') };
  expect(await runSsh(stranger, [], ['true'])).toMatchObject(refused);
  expect(await runSsh(target, ['-l', 'admin'], ['true'])).toMatchObject(refused);
  delete pod.spec.env.PUBLIC_KEY;
  expect(await runSsh(target, [], ['true'])).toMatchObject(refused);
});

it('refuses its keys until they are written', async () => {
  const { target, pod } = await sshPod({ latencies: { ...INSTANT, authorizedKeysMs: 60_000 } });
  expect(await runSsh(target, [], ['true'])).toMatchObject({ code: 255 });
  pod.keysLetInFrom = 0;
  expect(await runSsh(target, [], ['true'])).toMatchObject({ code: 0 });
});

it('changes its keys as autopod’s script says, and not by one it does not understand', async () => {
  const { target, pod, directory } = await sshPod();
  const [own = '', joins, leaves] = [
    pod.authorizedKeys.trim(),
    generateKey(directory),
    generateKey(directory),
  ];
  pod.spec.env.PUBLIC_KEY = `${own}\n${leaves.publicKey}\tsomebody\r\n`;
  const isLetIn = async (keyFile: string) => (await runSsh({ ...target, keyFile }, [], ['true'])).code === 0;
  expect([await isLetIn(leaves.file), await isLetIn(joins.file)]).toEqual([true, false]);
  const run = async (command: string, input: string) => {
    const ssh = startSsh(target, [], [command]);
    ssh.stdin.end(input);
    return text(ssh.stdout);
  };
  const [, key = ''] = leaves.publicKey.split(' ');
  const change = { add: [joins.publicKey.trim()], remove: [key] };
  expect(await changeKeys({ bootId: '', run } as never, change)).toBe(true);
  expect([await isLetIn(leaves.file), await isLetIn(joins.file)]).toEqual([false, true]);
  expect(await isLetIn(target.keyFile)).toBe(true);
  expect(await run('exec sh -s autopod-keys', 'case x in\n*"?"*) ;;\nesac')).toBe('');
});

it('knows a few commands, and runs nothing on this machine', async () => {
  const { target, pod } = await sshPod();
  const run = async (command: string) => {
    const { code, stdout, stderr } = await runSsh(target, [], [command]);
    return [code, stdout || stderr.trim()];
  };
  expect(await run('echo "two  words" && hostname')).toEqual([0, `two  words\n${pod.id}\n`]);
  expect(await run('false || exit 7; echo never')).toEqual([7, '']);
  expect(await run('nvidia-smi')).toEqual([0, expect.stringContaining('NVIDIA A40')]);
  expect(await run('touch /tmp/x')).toEqual([127, expect.stringContaining('touch: command not found')]);
});

it('echoes a heartbeat byte by byte, and ends when its input does', async () => {
  const { target } = await sshPod();
  const ssh = startSsh(target, [], ['exec cat']);
  for (const beat of ['a', 'b', 'c']) {
    ssh.stdin.write(beat);
    expect(String((await once(ssh.stdout, 'data'))[0])).toBe(beat);
  }
  ssh.stdin.end();
  expect(await once(ssh, 'close')).toEqual([0, null]);
});

it('gives back every byte of a large input', async () => {
  const { target } = await sshPod();
  const input = randomBytes(8_000_000).toString('base64');
  const { code, stdout } = await runSsh(target, [], ['cat'], input);
  expect(code).toBe(0);
  expect(stdout === input).toBe(true);
}, 20_000);

it('has a shell with a prompt', async () => {
  const { target, pod } = await sshPod();
  const { code, stdout } = await runSsh(target, [], [], 'whoami\nexit 4\n');
  expect(code).toBe(4);
  expect(stdout).toContain(`root@${pod.id}:~# whoami\r\nroot\r\n`);
});

it('refuses a forward to ComfyUI until it answers, as sshd does a closed port', async () => {
  const { simulator, target, pod } = await sshPod({ latencies: SLOW_COMFYUI });
  const ssh = startSsh(target, ['-W', '127.0.0.1:8188']);
  const complaint = Buffer.concat(await ssh.stderr.toArray()).toString();
  expect(complaint).toContain('open failed: connect failed');

  const socketPath = await forward(target);
  await expect(get(socketPath, '/system_stats')).rejects.toMatch(CUT);
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'up' });
  const { status, body } = await get(socketPath, '/system_stats');
  expect(status).toBe(200);
  expect(JSON.parse(body.toString()).devices[0].name).toBe('cuda:0 NVIDIA A40 : cudaMallocAsync');
});

it('refuses a forward to any other port', async () => {
  const { target } = await sshPod();
  const socketPath = await forward(target, 9999);
  await expect(get(socketPath, '/')).rejects.toMatch(CUT);
});

it('carries fifty requests at once, and a large answer whole', async () => {
  const { target } = await sshPod();
  const socketPath = await forward(target);
  const answers = await Promise.all(Array.from({ length: 50 }, () => get(socketPath, '/queue')));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const { body } = await get(socketPath, '/sim-bytes?n=30000000');
  expect(body.length).toBe(30_000_000);
});

it('carries a large upload whole', async () => {
  const { target, pod } = await sshPod();
  const socketPath = await forward(target);
  const head = '--b\r\nContent-Disposition: form-data; name="image"; filename="big.png"\r\n\r\n';
  const payload = Buffer.concat([Buffer.from(head), Buffer.alloc(20_000_000), Buffer.from('\r\n--b--\r\n')]);
  const request = http.request({
    socketPath,
    path: '/upload/image',
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  request.end(payload);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const answer = JSON.parse(Buffer.concat(await response.toArray()).toString());
  expect(answer).toEqual({ name: 'big.png', subfolder: '', type: 'input' });
  const stored = pod.comfyui.storage.get({ filename: 'big.png', subfolder: '', type: 'input' });
  expect(stored?.content.size).toBe(20_000_000);
});

it('cuts the forwarded connections when ComfyUI goes down, and keeps ssh', async () => {
  const { simulator, target, pod } = await sshPod();
  const socketPath = await forward(target);
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'hanging' });
  const hanging = expect(get(socketPath, '/queue')).rejects.toMatch(CUT);
  await opened(() => pod.comfyui.connectionCount === 1);
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'down' });
  await hanging;
  await control(simulator, 'POST', `/pods/${pod.id}/comfy`, { state: 'up' });
  expect((await get(socketPath, '/queue')).status).toBe(200);
});

it('shares its host key with the pods of its image, and keeps it over a restart, on another port', async () => {
  const { simulator, target, pod } = await sshPod();
  const alias = ['-o', 'HostKeyAlias=image'];
  expect((await runSsh(target, alias, ['true'])).code).toBe(0);
  const other = await createPod(simulator, { env: pod.spec.env });
  await ready(simulator, other);
  expect((await runSsh({ ...target, port: other.sshd.port }, alias, ['true'])).code).toBe(0);
  await control(simulator, 'POST', `/pods/${pod.id}/restart`);
  await ready(simulator, pod);
  expect(pod.sshd.port).not.toBe(target.port);
  expect((await runSsh({ ...target, port: pod.sshd.port }, alias, ['true'])).code).toBe(0);
});

it('proves with its environment which pod it is, whatever its login shell says first', async () => {
  const secret = 'ab'.repeat(32);
  const { simulator, target, pod } = await sshPod();
  pod.spec.env.AUTOPOD_POD_SECRET = secret;
  const command = "exec sh -c 'tr </proc/1/environ' - c0ffee beef";
  const answer = createHmac('sha256', Buffer.from(secret, 'hex')).update('autopod c0ffee').digest('hex');
  const asked = () => runSsh(target, [], [command], 'beat');
  expect(await asked()).toMatchObject({ code: 0, stdout: `\nbeef=${answer}\nbeat` });
  await control(simulator, 'POST', `/pods/${pod.id}/shell`, { manner: 'talking', delayMs: 50 });
  expect((await asked()).stdout).toMatch(new RegExp(`^Welcome.*\\nbeef=${answer}\\nbeat$`, 's'));
  await control(simulator, 'POST', `/pods/${pod.id}/shell`, { manner: 'forced' });
  expect(await asked()).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Welcome/) });
  await control(simulator, 'POST', `/pods/${pod.id}/shell`, {});
  await control(simulator, 'POST', `/pods/${pod.id}/env`, { AUTOPOD_POD_SECRET: '' });
  expect((await asked()).stdout).toBe('\nbeef=nosecret\nbeat');
});

it('hangs where its login shell is to hang', async () => {
  const { simulator, target, pod } = await sshPod();
  await control(simulator, 'POST', `/pods/${pod.id}/shell`, { manner: 'hanging' });
  const ssh = startSsh(target, [], ['exec cat']);
  ssh.stdin.write('x');
  const said = once(ssh.stdout, 'data').then(() => 'something');
  const ended = once(ssh, 'close').then(() => 'its end');
  await opened(() => pod.sshd.connectionCount === 1);
  expect(await Promise.race([said, ended, sleep(500, 'nothing')])).toBe('nothing');
});

it('has another host key after a restart where its image makes one at each start', async () => {
  const { simulator, target, pod, directory } = await sshPod({ hostKeys: 'boot' });
  const knownHosts = join(directory, 'known_hosts');
  const alias = ['-o', 'HostKeyAlias=pod'];
  expect((await runSsh(target, alias, ['true'])).code).toBe(0);
  const known = readFileSync(knownHosts, 'utf8');
  await control(simulator, 'POST', `/pods/${pod.id}/restart`);
  await ready(simulator, pod);
  const changed = await runSsh({ ...target, port: pod.sshd.port }, alias, ['true']);
  expect(changed).toMatchObject({ code: 255, stderr: expect.stringContaining('IDENTIFICATION HAS CHANGED') });
  expect(known).toContain('ssh-ed25519');
});

it('serves several sessions over one ControlMaster connection', async () => {
  const { target, directory, pod } = await sshPod();
  const socket = join(directory, 'm');
  await startHeartbeat(target, ['-M', '-S', socket, '-o', 'ControlPersist=no']);
  const viaMaster = { ...target, port: 1 };
  const runs = await Promise.all(
    ['one', 'two'].map((word) => runSsh(viaMaster, ['-S', socket], ['echo', word])),
  );
  expect(runs.map(({ stdout }) => stdout)).toEqual(['one\n', 'two\n']);
  expect(pod.sshd.connectionCount).toBe(1);
  const check = execFileSync('ssh', ['-S', socket, '-O', 'check', ...sshArguments(target)], {
    stdio: 'pipe',
  });
  expect(String(check)).toBe('');
});

it('drops every connection when told to, and takes new ones', async () => {
  const { simulator, target, pod } = await sshPod();
  const ssh = await startHeartbeat(target);
  await control(simulator, 'POST', `/pods/${pod.id}/sshd`, { drop: true });
  expect(await once(ssh, 'close')).toEqual([255, null]);
  expect((await runSsh(target, [], ['true'])).code).toBe(0);
});

it('closes its port when told to refuse, with the connections that are up left alone', async () => {
  const { simulator, target, pod } = await sshPod();
  const ssh = await startHeartbeat(target);
  await control(simulator, 'POST', `/pods/${pod.id}/sshd`, { state: 'refusing' });
  const refused = await runSsh(target, [], ['true']);
  expect(refused).toMatchObject({ code: 255, stderr: expect.stringContaining('Connection refused') });
  ssh.stdin.write('y');
  expect(String((await once(ssh.stdout, 'data'))[0])).toBe('y');
  await control(simulator, 'POST', `/pods/${pod.id}/sshd`, { state: 'up' });
  expect((await runSsh(target, [], ['true'])).code).toBe(0);
});

it('says nothing while frozen, and everything afterwards', async () => {
  const { simulator, target, pod } = await sshPod();
  const ssh = await startHeartbeat(target);
  await control(simulator, 'POST', `/pods/${pod.id}/sshd`, { state: 'frozen' });
  ssh.stdin.write('y');
  const shaken = await runSsh(target, ['-o', 'ConnectTimeout=1'], ['true']);
  expect(shaken).toMatchObject({ code: 255, stderr: expect.stringContaining('timed out') });
  expect(ssh.stdout.readableLength).toBe(0);
  const echoed = once(ssh.stdout, 'data');
  await control(simulator, 'POST', `/pods/${pod.id}/sshd`, { state: 'up' });
  expect(String((await echoed)[0])).toBe('y');
});

it('accepts nothing before its time', async () => {
  const simulator = await simulate({ latencies: { ...INSTANT, sshdMs: 60_000 } });
  const directory = scratchDirectory();
  const key = generateKey(directory);
  const pod = await createPod(simulator, { env: { PUBLIC_KEY: key.publicKey } });
  await simulator.world.until(() => pod.sshd.port !== null);
  const { code, stderr } = await runSsh({ directory, keyFile: key.file, port: pod.sshd.port }, [], ['true']);
  expect([code, stderr]).toEqual([255, expect.stringContaining('Connection refused')]);
});

async function sshPod(scenario: ScenarioInput = {}) {
  const simulator = await simulate(scenario);
  const directory = scratchDirectory();
  const key = generateKey(directory);
  const pod = await createPod(simulator, { env: { PUBLIC_KEY: key.publicKey } });
  if (scenario.latencies?.comfyStartMs) await simulator.world.until(() => pod.sshd.state === 'up');
  else await ready(simulator, pod);
  return { simulator, pod, directory, target: { directory, keyFile: key.file, port: pod.sshd.port } };
}

/** Looks again after each turn of the event loop. */
async function opened(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
