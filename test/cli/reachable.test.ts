import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAsBug } from '../../src/cli/run.ts';
import { FAILURE_WORDS } from '../../src/cli/text/failures.ts';
import { type AutopodError, FAILURES, type FailureCode } from '../../src/errors.ts';
import { keeperSocket } from '../../src/keeper/runtime-folder.ts';
import { describeHome, openHome } from '../../src/store/home.ts';
import { JobStore } from '../../src/store/jobs.ts';
import { waitForLock } from '../../src/store/lock.ts';
import { RecordStore } from '../../src/store/records.ts';
import { batchFacts, jobFacts } from '../support/job-facts.ts';
import { paced } from '../support/pace.ts';
import { inProcess } from '../support/shell.ts';
import { EMPTY_IMAGE, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

/** A test elsewhere that ends in the failure and says so by its code or its words: its file under test/, and its title. */
interface Named {
  file: string;
  title: string;
}
/** What provokes the failure here; the answer is the code a user's script reads. */
type Provoke = () => Promise<string>;

const file = (name: string, title: string): Named => ({ file: name, title });

let world: TestWorld;
let podId = '';
let folder = '';

async function told(argv: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await inProcess({ env: { ...world.env, ...env } }, [...argv, '--json']);
  return JSON.parse(stdout).error?.code;
}
/** The same by a process of its own, which may start a keeper. */
async function toldBy(argv: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await world.autopod([...argv, '--json'], env);
  return JSON.parse(stdout).error?.code;
}
const control = (path: string, body: object = {}, method = 'POST') =>
  fetch(`${world.simulator.controlUrl}/${path}`, {
    method,
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
/** While the simulator is so. */
async function under(scenario: object, work: Provoke): Promise<string> {
  const answer = await fetch(`${world.simulator.controlUrl}/scenario`);
  const before = (await answer.json()) as Record<string, unknown>;
  await control('scenario', scenario, 'PATCH');
  const code = await work();
  const changed = Object.keys(scenario).map((name) => [name, before[name]]);
  await control('scenario', Object.fromEntries(changed), 'PATCH');
  return code;
}
/** With a pod of its own, or with whatever pods come about meanwhile, which are ended afterwards. */
async function withPods(work: (made: string) => Promise<string>, ...make: string[]): Promise<string> {
  if (make.length > 0) expect((await world.autopod(make)).code).toBe(0);
  const others = async () => (await world.podIds()).filter((id) => id !== podId);
  const code = await work((await others())[0] ?? '');
  for (const id of await others()) await told(['kill', id, '--yes']);
  return code;
}
const NEW = ['connect', '--no-tunnel'];
const PLAN = ['connect', '--no-tunnel', '--dry-run'];
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

/** With a home of its own that has this private key. */
function homeWithKey(how: { passphrase?: string; mode?: number; content?: string } = {}): NodeJS.ProcessEnv {
  const path = join(mkdtempSync(join(folder, 'key-')), 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', how.passphrase ?? '', '-f', path]);
  if (how.content) writeFileSync(path, how.content);
  chmodSync(path, how.mode ?? 0o600);
  return homeWith(JSON.stringify({ providers: { runpod: { ssh_key_path: path } } }));
}
/** With a home of its own and the key the pod was made with. */
const homeWithPodsKey = () =>
  homeWith(JSON.stringify({ providers: { runpod: { ssh_key_path: join(world.home, 'id_test') } } }));
/** A PATH with this ssh on it. */
function pathWithSsh(script: string): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, 'ssh'), script, { mode: 0o755 });
  return `${bin}:${process.env.PATH}`;
}

/** By a fleet that answers so. */
const refusedBy = (code: FailureCode) =>
  served(
    (_, response) => response.writeHead(401).end(JSON.stringify({ error: { code, detail: {} } })),
    0,
    (port) => told(['login', `http://127.0.0.1:${port}/#${'a'.repeat(43)}`]),
  );

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
  interrupted: async () => {
    await control('faults', { route: 'listPods', kind: 'stallBefore' });
    const { stdout } = await inProcess(world, ['ls', '--json'], false, AbortSignal.timeout(300));
    await control('faults', {}, 'DELETE');
    return JSON.parse(stdout).error.code;
  },
  timedOut: () => struck({ route: 'listPods', kind: 'stallBefore' }, ['ls', '--timeout', '0.3s']),
  declined: file('cli/terminal.test.ts', 'kill asks, and on a no nothing is done'),
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
  stateNewer: () => {
    const env = homeWith('{}');
    writeFileSync(join(env.AUTOPOD_HOME ?? '', 'pods.json'), '{"schema":99,"records":{}}', { mode: 0o600 });
    return told(['ls'], env);
  },
  lockBusy: async () => {
    await waitForLock(join(folder, 'lock'));
    return waitForLock(join(folder, 'lock'), { timeoutMs: 50 }).then(
      () => 'had',
      (error: AutopodError) => error.code,
    );
  },
  homeNotOwned: file('e2e/foreign-user.test.ts', '%s: every command names owner and chown, and does nothing'),
  homelessUser: file(
    'e2e/foreign-user.test.ts',
    'without HOME is asked for AUTOPOD_HOME, and with it everything that needs no ssh works',
  ),
  userUnknown: file(
    'e2e/foreign-user.test.ts',
    'is told as what it is by up and doctor; nothing is bought, and no keeper is promised',
  ),
  programReplaced: file('e2e/updated.test.ts', 'for good under a running up, which says so and how to go on'),

  apiKeyRefused: () => told(['ls'], { RUNPOD_API_KEY: 'wrong' }),
  apiForbidden: () => listing(403),
  apiElsewhere: () =>
    served(
      (_, response) => response.writeHead(307, { location: 'https://login.example/' }).end(),
      0,
      (port) => told(['ls'], { AUTOPOD_API_URL: `http://localhost:${port}/v2` }),
    ),
  apiUntrusted: file(
    'e2e/proxy.test.ts',
    'a certificate nobody knows is named, with NODE_EXTRA_CA_CERTS, and nothing is sent',
  ),
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
  dataCenterUnknown: () => told([...PLAN, '--datacenter', 'XX']),
  gpuUnknown: () => told([...PLAN, '--gpu', 'RTX 4091']),
  gpuAmbiguous: () => told([...PLAN, '--gpu', 'H100']),
  gpuOutOfStock: () =>
    under({ stock: { 'NVIDIA A40': { 'US-GA-1': 'NONE' } } }, () =>
      told([...NEW, '--gpu', 'A40', '--volume-id', 'abc123xyz']),
    ),
  placementRefused: () =>
    struck({ route: 'createPod', kind: 'status', status: 400 }, ['connect', '--no-tunnel']),
  limitReached: file('e2e/limits.test.ts', '--dry-run tells that it would be refused'),
  balanceEmpty: () => under({ balance: 0 }, () => told(NEW)),
  createUnanswered: () => struck({ route: 'createPod', kind: 'dropBefore' }, ['connect', '--no-tunnel']),

  podNotFound: () => told(['info', 'nobody']),
  podNotChosen: () => withPods(() => told(['info']), ...NEW),
  podOfOtherKey: () => told(['tunnel', podId], homeWithKey()),
  podGone: async () => {
    await control(`pods/${podId}/terminate`);
    return told(['start', podId]);
  },
  podBroken: async () => {
    await control(`pods/${podId}/error`);
    return told(['start', podId]);
  },
  podWithoutGpu: () =>
    withPods(
      async (id) => {
        await told(['stop', id]);
        return under({ zeroGpusOnResume: true }, () => told(['start', id, '--no-tunnel']));
      },
      ...NEW,
    ),
  hostFull: () =>
    withPods(
      async (id) => {
        await told(['stop', id]);
        return under({ fullOnResume: true }, () => told(['start', id, '--no-tunnel']));
      },
      ...NEW,
    ),
  podLocked: async () => {
    await api('PATCH', `pods/${podId}`, { locked: true });
    const code = await told(['stop', podId]);
    await api('PATCH', `pods/${podId}`, { locked: false });
    return code;
  },
  podNotRunning: () =>
    withPods(
      async (id) => {
        await told(['stop', id]);
        return told(['comfy', 'status', id]);
      },
      ...NEW,
    ),
  podActionNotDone: file(
    'e2e/stop-not-done.test.ts',
    'stop says what is true: taken, not done, and what it costs',
  ),
  podActionRefused: () =>
    withPods(
      async (id) => {
        await told(['stop', id]);
        return struck({ route: 'podAction', kind: 'status', status: 409 }, ['start', id, '--no-wait']);
      },
      ...NEW,
    ),
  podWithoutSsh: async () => {
    const gpu = { id: 'NVIDIA A40', count: 1 };
    await api('POST', 'pods', { name: 'no-ssh', image: 'x', gpu, ports: [], disk: 10 });
    return told(['up', 'no-ssh', '--no-tunnel']);
  },
  podUnreachable: () =>
    withPods(() =>
      under({ withoutPublicIp: ['NVIDIA A40'] }, () =>
        toldBy(NEW, { AUTOPOD_TIMINGS: JSON.stringify({ publicPortMs: 300, podPollMs: 50 }) }),
      ),
    ),
  gpuUnusable: () => withPods(() => under({ oldDrivers: ['NVIDIA A40'] }, () => told(NEW))),
  comfyCrashed: () => withPods(() => under({ comfyui: { crashes: true } }, () => told(NEW))),
  bootTimedOut: () =>
    withPods(() =>
      under({ latencies: { imagePullMs: 600_000 } }, () => told([...NEW, '--timeout', paced(5)])),
    ),
  comfyElsewhere: file('e2e/comfy-elsewhere.test.ts', 'up says what answers in ComfyUI’s place: %s'),
  comfyTimedOut: () =>
    withPods(() =>
      under({ latencies: { comfyStartMs: 600_000 } }, () => toldBy([...NEW, '--timeout', paced(8)], {})),
    ),
  podTakenOver: file('e2e/suspended.test.ts', 'does not keep a pod from kill'),

  comfyUnanswered: file(
    'services/comfyui/submit.test.ts',
    'a lost answer is comfyUnanswered, and looking finds the prompt',
  ),
  comfyAnswerUnexpected: file(
    'services/comfyui/submit.test.ts',
    'a page of somebody else is comfyAnswerUnexpected, with its title',
  ),
  promptInterrupted: file('e2e/jobs-once.test.ts', 'that somebody interrupts in the browser is told as such'),
  promptLost: file(
    'machines/job-table.test.ts',
    'that it was lost too often, as by a ComfyUI that dies of it',
  ),
  jobNotRun: file(
    'e2e/jobs-batch.test.ts',
    'stops after a failure where that is asked for, and goes on otherwise',
  ),
  promptRefused: file(
    'services/comfyui/submit.test.ts',
    'a prompt that ComfyUI stumbles over is refused, not sent for ever',
  ),
  promptTooLarge: file(
    'services/comfyui/submit.test.ts',
    'a workflow over the limit is promptTooLarge, with both sizes',
  ),
  promptFailed: file(
    'services/comfyui/standing.test.ts',
    'an error is promptFailed, with the node, its title and ComfyUI’s own message',
  ),
  gpuOutOfMemory: file('services/comfyui/standing.test.ts', 'too little memory on the GPU is gpuOutOfMemory'),
  podDiskFull: file('services/comfyui/upload.test.ts', 'a full disk of the pod is podDiskFull'),
  inputUnreadable: file('services/comfyui/upload.test.ts', 'a file that is gone is inputUnreadable'),
  inputChanged: file('services/comfyui/upload.test.ts', 'a file that has changed since is inputChanged: %s'),
  inputTooLarge: file(
    'services/comfyui/upload.test.ts',
    'a file over the limit is inputTooLarge, with the limit',
  ),
  outputGone: file('services/comfyui/download.test.ts', 'what is no longer there is outputGone'),
  nameTemplateInvalid: file(
    'jobs/files/names.test.ts',
    'an unknown placeholder is nameTemplateInvalid, which tells those there are',
  ),
  outputFolderUnwritable: file(
    'jobs/files/fetch-outputs.test.ts',
    'a folder that cannot be made is outputFolderUnwritable',
  ),
  outputFolderLeadsOut: file(
    'jobs/files/fetch-outputs.test.ts',
    'a link within the folder that leads out of it is outputFolderLeadsOut, and nothing is written there',
  ),
  diskFull: file(
    'services/comfyui/download.test.ts',
    'a full disk here is diskFull; what has come stays, and is continued when there is room',
  ),
  sshMissing: async () => {
    const { stdout } = await world.autopod(['tunnel', podId, '--json'], { PATH: '/nowhere' });
    return JSON.parse(stdout).error.code;
  },
  sshTooOld: () => {
    const PATH = pathWithSsh(
      '#!/bin/sh\necho "command-line: line 0: Bad configuration option: x" >&2; exit 255\n',
    );
    return toldBy(['tunnel', podId, '--local-port', 'auto'], { ...homeWithPodsKey(), PATH });
  },
  sshKeyMissing: () =>
    told(['up', '--dry-run'], homeWith('{"providers":{"runpod":{"ssh_key_path":"/nowhere/key"}}}')),
  sshKeyTooOpen: () => told(['up', '--dry-run'], homeWithKey({ mode: 0o644 })),
  sshKeyInvalid: () => told(['up', '--dry-run'], homeWithKey({ content: 'no key' })),
  sshKeyLocked: () => told(['up', '--dry-run'], homeWithKey({ passphrase: 'secret' })),
  // A pod that names no keys may take ours, as far as anybody can tell before.
  sshKeyRefused: () =>
    withPods(async () => {
      const gpu = { id: 'NVIDIA A40', count: 1 };
      await api('POST', 'pods', { name: 'no-keys', image: 'x', gpu, ports: ['22/tcp'], disk: 10 });
      await world.simulator.world.until(({ pods }) => [...pods.values()].at(-1)?.sshd.state === 'up');
      return toldBy(['tunnel', 'no-keys', '--local-port', 'auto'], {
        ...homeWithKey(),
        // Past the grace that a pod which has just booted gets for writing its keys.
        AUTOPOD_KEEPER_TIMINGS: '{"keyGraceMs":0}',
      });
    }),
  sshHostKeyChanged: file(
    'netns/fault-matrix.test.ts',
    'a host key that changes without a restart is not trusted',
  ),
  sshForwardingForbidden: file(
    'netns/through.test.ts',
    'an sshd that forbids forwarding is told as such, and is not tried for ever',
  ),
  sshPathUnusable: () =>
    told(['up', '--dry-run'], homeWith(`{"providers":{"runpod":{"ssh_key_path":"/home/\${me}/key"}}}`)),
  podUnproven: file(
    'e2e/proof.test.ts',
    'somebody else at the pod’s address is told as such: up fails, and nothing is sent there',
  ),
  sshUnreachable: async () => {
    await control(`pods/${podId}/sshd`, { state: 'down' });
    const code = await told(['comfy', 'status', podId, '--timeout', paced(4)]);
    await control(`pods/${podId}/sshd`, { state: 'up' });
    return code;
  },

  workflowUnreadable: () => told(['run', folder]),
  workflowNotRunnable: () =>
    told([
      'run',
      workflowFile(folder, 'unknown.json', { '1': { class_type: 'Imagined', inputs: {} } }),
      podId,
    ]),
  outUnwritable: () => {
    const path = workflowFile(folder, 'empty.json', EMPTY_IMAGE);
    return told(['run', path, '--out', path]);
  },
  jobNotFound: () => told(['jobs', 'show', 'nobody']),
  poolNotFound: () => refusedBy('poolNotFound'),
  jobNotChosen: async () => {
    const env = homeWith('{}');
    const store = new JobStore(openHome(env.AUTOPOD_HOME ?? ''));
    for (const id of ['k3f9xw', 'k3g222'])
      await store.create(batchFacts({ batchId: id }), [jobFacts({ jobId: id, batchId: id })]);
    return told(['jobs', 'show', 'k3'], env);
  },

  localPortTaken: () =>
    served(
      (_, response) => response.end(),
      0,
      (port) => toldBy(['tunnel', podId, '--local-port', String(port)], homeWithPodsKey()),
    ),
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

  recordUnkept: file(
    'fleet/engine.test.ts',
    'refuses as recordUnkept what somebody waits for and cannot be kept, and changes nothing',
  ),
  notAdmitted: () => refusedBy('notAdmitted'),
  notAllowed: () => refusedBy('notAllowed'),
  gatewayRefused: () => refusedBy('gatewayRefused'),
  fleetUnreachable: () => told(['login', `http://127.0.0.1:9/#${'a'.repeat(43)}`]),
  engineMissing: file('fleet/engine.test.ts', 'a system for which there is none is told so as engineMissing'),
  engineUnreachable: file('fleet/engine.test.ts', 'tells a server that does not answer as engineUnreachable'),
  storageMissing: file(
    'fleet/storage/library.test.ts',
    'the SDK that is not installed is told as storageMissing',
  ),
  storageUnreachable: () => {
    const path = join(mkdtempSync(join(folder, 's3-')), 'credentials');
    writeFileSync(path, 'aws_access_key_id = a\naws_secret_access_key = b\n', { mode: 0o600 });
    const at = ['--endpoint', 'http://127.0.0.1:9', '--credentials', path];
    return told(['serve', 'storage', 's3://studio', ...at], homeWith('{}'));
  },
  storageRefused: file('fleet/storage/bucket.test.ts', 'that is %s says so'),
  serverDiskFull: file('fleet/storage/room.test.ts', 'takes nothing more in, and says how much there is'),
  filesCleaned: file('fleet/storage/served.test.ts', 'that was removed is told as filesCleaned, with when'),
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
  world = await startWorld();
  folder = mkdtempSync(join(world.home, 'reach-'));
  const run = await world.autopod(['up', '--local-port', 'auto']);
  expect(run.code, run.stderr).toBe(0);
  [podId = ''] = await world.podIds();
});
afterAll(() => world.end());

describe('every failure is reached by a test', () => {
  it.each(named)('%s: elsewhere', (code, { file: name, title }) => {
    const source = readFileSync(join(import.meta.dirname, '..', name), 'utf8');
    const body = source.split(/^ *(?=it[.(])/m).find((one) => one.includes(`('${title}'`));
    expect(body, `${name} has a test of this title`).toBeDefined();
    const words = FAILURE_WORDS[code]({}).what.replace(/\.$/, '');
    expect(body?.includes(code) || body?.includes(words), `that test speaks of ${code}`).toBe(true);
  });

  it.each(provoked)('%s', async (code, provoke) => {
    expect(await provoke()).toBe(code);
  });
});
