import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAsBug } from '../../src/cli/run.ts';
import { type AutopodError, FAILURES, type FailureCode } from '../../src/errors.ts';
import { keeperSocket } from '../../src/keeper/runtime-folder.ts';
import { describeHome } from '../../src/store/home.ts';
import { RecordStore } from '../../src/store/records.ts';
import { inProcess } from '../support/shell.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/** A test elsewhere that ends in the failure: its file under test/, and words of its title. */
interface Named {
  file: string;
  title: string;
}
/** What provokes the failure here; the answer is the code a user's script reads. */
type Provoke = () => Promise<string>;

const file = (name: string, title: string): Named => ({ file: name, title });
const key = (title: string) => file('services/ssh/key.test.ts', title);
const money = (title: string) => file('e2e/money.test.ts', title);
const ssh = () => file('services/ssh/classify.test.ts', 'what ssh says');

let world: TestWorld;
let podId = '';
let folder = '';

async function told(argv: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await inProcess({ env: { ...world.env, ...env } }, [...argv, '--json']);
  return JSON.parse(stdout).error?.code;
}
const control = (path: string, body: object = {}) =>
  fetch(`${world.simulator.controlUrl}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const api = (method: string, path: string, body: object) =>
  fetch(`${world.simulator.url}/${path}`, {
    method,
    headers: { authorization: 'Bearer sim-key', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
/** Every request of this kind is answered so, while the command runs. */
async function struck(fault: object, argv: string[]): Promise<string> {
  await control('faults', { times: 50, ...fault });
  const code = await told(argv);
  await fetch(`${world.simulator.controlUrl}/faults`, { method: 'DELETE' });
  return code;
}
const listing = (status: number) => struck({ route: 'listPods', kind: 'status', status }, ['ls']);
/** With another server than RunPod's. */
async function served(answer: RequestListener, at: number | string, work: (port: number) => Promise<string>) {
  const server = createServer(answer).listen(at);
  await once(server, 'listening');
  const address = server.address();
  const code = await work(typeof address === 'object' ? (address?.port ?? 0) : 0);
  server.closeAllConnections();
  server.close();
  return code;
}
/** With a home of its own that has this config.json. */
function homeWith(config: string): NodeJS.ProcessEnv {
  const home = mkdtempSync(join(folder, 'home-'));
  writeFileSync(join(home, 'config.json'), config, { mode: 0o600 });
  return { AUTOPOD_HOME: home };
}

/** How each failure comes about. A code without an entry does not compile. */
const REACHED: Record<FailureCode, Named | Provoke> = {
  internal: async () => {
    let shown = '';
    const sink = new Writable({
      write: (chunk, _encoding, done) => {
        shown += chunk;
        done();
      },
    });
    expect(runAsBug(new Error('x'), ['ls', '--json'], { stdout: sink, stderr: sink }, {})).toBe(70);
    return JSON.parse(shown).error.code;
  },
  usage: () => told(['logs', '--system', '--container']),
  interrupted: file('cli/interrupted.test.ts', 'an interrupted stop goes on with stop'),
  declined: file('cli/terminal.test.ts', '--expose asks on a terminal, and on a no nothing is bought'),
  confirmationNeeded: () => told(['kill']),

  apiKeyMissing: () => told(['ls'], { RUNPOD_API_KEY: '' }),
  configMalformed: () => told(['ls'], homeWith('{')),
  stateUnreadable: () => told(['ls'], { AUTOPOD_HOME: join(world.home, 'id_test') }),
  stateDamaged: () => {
    const path = join(folder, 'damaged.json');
    writeFileSync(path, '{');
    const store = new RecordStore({ path, locks: join(folder, 'locks'), onSetAside: () => undefined });
    return store.peek().then(
      () => 'read',
      (error: AutopodError) => error.code,
    );
  },
  stateNewer: file('e2e/one-pod.test.ts', 'a pods.json of a later autopod is refused by name'),
  lockBusy: file('store/lock.test.ts', 'a wait that takes too long names the holder'),

  apiKeyRefused: () => told(['ls'], { RUNPOD_API_KEY: 'wrong' }),
  apiForbidden: () => listing(403),
  apiUnreachable: () => told(['ls'], { AUTOPOD_API_URL: 'http://127.0.0.1:1/v2' }),
  apiUnavailable: () => listing(500),
  apiAnswerUnexpected: () =>
    served(
      (_, response) => response.setHeader('content-type', 'application/json').end('{"pods":"many"}'),
      0,
      (port) => told(['ls'], { AUTOPOD_API_URL: `http://localhost:${port}/v2` }),
    ),
  apiRateLimited: () => struck({ route: 'listPods', kind: '429' }, ['ls']),
  apiRequestInvalid: () => listing(422),
  apiRequestRefused: () => listing(418),

  volumeMissing: () => told(['gpus', '--volume-id', 'nope']),
  volumeElsewhere: () => told(['gpus', '--volume-id', 'abc123xyz', '--datacenter', 'CA-MTL-1']),
  volumeNeedsSecureCloud: () =>
    told(['up', '--dry-run', '--volume-id', 'abc123xyz', '--cloud-type', 'COMMUNITY']),
  dataCenterUnknown: () => told(['up', '--dry-run', '--datacenter', 'XX']),
  gpuUnknown: () => told(['up', '--dry-run', '--gpu', 'RTX 4091']),
  gpuAmbiguous: () => told(['up', '--dry-run', '--gpu', 'H100']),
  gpuOutOfStock: money('nothing in stock: it says so'),
  placementRefused: () =>
    struck({ route: 'createPod', kind: 'status', status: 400 }, ['connect', '--no-tunnel']),
  balanceEmpty: money('an empty balance stops at once'),
  createUnanswered: () => struck({ route: 'createPod', kind: 'dropBefore' }, ['connect', '--no-tunnel']),

  podNotFound: () => told(['info', 'nobody']),
  podNotChosen: file('cli/pods-told.test.ts', 'with --json it is one value that names them'),
  podGone: async () => {
    await control(`pods/${podId}/terminate`);
    return told(['start', podId]);
  },
  podBroken: async () => {
    await control(`pods/${podId}/error`);
    return told(['start', podId]);
  },
  podWithoutGpu: money('a pod that comes back without a GPU is reported'),
  podLocked: async () => {
    await api('PATCH', `pods/${podId}`, { locked: true });
    const code = await told(['stop', podId]);
    await api('PATCH', `pods/${podId}`, { locked: false });
    return code;
  },
  podNotRunning: file('cli/comfy.test.ts', 'says that it is stopped, and opens no tunnel'),
  podActionRefused: () =>
    struck({ route: 'podAction', kind: 'status', status: 409 }, ['start', podId, '--no-wait']),
  podWithoutSsh: async () => {
    const gpu = { id: 'NVIDIA A40', count: 1 };
    await api('POST', 'pods', { name: 'no-ssh', image: 'x', gpu, ports: [], disk: 10 });
    return told(['up', 'no-ssh', '--no-tunnel']);
  },
  bootTimedOut: money('a boot that takes too long keeps the pod'),
  comfyTimedOut: file('cli/comfy.test.ts', 'comfy status waits as long as it was told to'),

  sshMissing: async () => {
    const { stdout } = await world.autopod(['tunnel', podId, '--json'], { PATH: '/nowhere' });
    return JSON.parse(stdout).error.code;
  },
  sshTooOld: ssh(),
  sshKeyMissing: () =>
    told(['up', '--dry-run'], homeWith('{"providers":{"runpod":{"ssh_key_path":"/nowhere/key"}}}')),
  sshKeyTooOpen: key('one that others can read is refused'),
  sshKeyInvalid: key('a file that is no key is told'),
  sshKeyLocked: key('one with a passphrase that no agent holds'),
  sshKeyRefused: file('e2e/tunnel.test.ts', 'a key the pod does not take fails'),
  sshHostKeyChanged: ssh(),
  sshForwardingForbidden: ssh(),
  sshUnreachable: file('cli/comfy.test.ts', 'comfy status on a pod whose sshd is down'),

  localPortTaken: file('e2e/refusals.test.ts', 'a local port another program has'),
  keeperUnreachable: () => {
    const env = homeWith('{}');
    const socket = keeperSocket(describeHome(env.AUTOPOD_HOME ?? ''));
    mkdirSync(join(socket, '..'), { mode: 0o700 });
    return served(
      (_, response) => response.writeHead(500, { 'content-length': 2 }).end('{}'),
      socket,
      () => told(['tunnel', 'list'], env),
    );
  },
};

/** These leave the pod as no other can use it. */
const LAST: FailureCode[] = ['podBroken', 'podGone'];
const codes = Object.keys(FAILURES) as FailureCode[];
const inOrder = [...codes.filter((code) => !LAST.includes(code)), ...LAST];
const named = codes.flatMap((code) => {
  const how = REACHED[code];
  return typeof how === 'function' ? [] : [[code, how] as const];
});
const provoked = inOrder.flatMap((code) => {
  const how = REACHED[code];
  return typeof how === 'function' ? [[code, how] as const] : [];
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ap-reach-'));
  world = await startWorld();
  const run = await world.autopod(['up', '--local-port', 'auto']);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(async () => {
  await world.end();
  rmSync(folder, { recursive: true, force: true });
});

describe('every failure is reached by a test', () => {
  it.each(named)('%s: elsewhere', (_, { file: name, title }) => {
    expect(readFileSync(join(import.meta.dirname, '..', name), 'utf8')).toContain(title);
  });

  it.each(provoked)('%s', { timeout: 60_000 }, async (code, provoke) => {
    expect(await provoke()).toBe(code);
  });
});
