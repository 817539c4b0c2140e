import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine, signal } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Whether this machine lets us make network namespaces and has OpenSSH's sshd. */
export const CAN_NETNS = process.getuid?.() === 0 && existsSync('/usr/sbin/sshd') && hasNamespaces();

/** Whether packets of single connections can be dropped here. */
export const CAN_DROP_FLOWS = CAN_NETNS && ['/usr/sbin/nft', '/sbin/nft'].some((path) => existsSync(path));

/** A machine of its own in a network namespace: OpenSSH's sshd on a veth, a ComfyUI on its own loopback. */
export interface PodHost {
  /** Root's home in the pod. */
  home: string;
  host: string;
  port: number;
  /** The cable: packets go through, are swallowed without a word, or the link is down. */
  cable(state: 'up' | 'swallowing' | 'down'): void;
  /** What a stateful middlebox does that forgot: packets of the connections there are now vanish for good. */
  dropFlows(): void;
  /** What a middlebox does that says so: each packet of the connections there are now is answered with a reset. */
  resetFlows(): void;
  /** A captive portal: every connection is accepted and nothing is said, and those there were carry nothing. */
  portal(isThere: boolean): Promise<void>;
  /** A line of so many megabits a second with a queue of a megabyte, both ways; undefined for one without limits. */
  line(megabits: number | undefined): void;
  comfy(state: 'up' | 'down'): Promise<void>;
  /** A ComfyUI at such work that it answers nothing. */
  freezeComfy(isFrozen: boolean): void;
  sshd(state: 'up' | 'killed' | 'frozen' | 'thawed'): Promise<void>;
  /** Whether sshd lets connections through to the pod's ports, from its next start on. */
  allowForwarding(isAllowed: boolean): void;
  /** Another sshd at another port with another host key, as after a restart of a pod. The old one is gone. */
  move(): Promise<void>;
  /** Replaces the host key without moving. */
  changeHostKey(): Promise<void>;
  authorize(publicKeys: string): void;
  /** The environment of the container's process 1, from the next start of sshd on. */
  environment(env: Record<string, string>): void;
  /** Lets the pod reach a port of this machine's loopback at the same port of its own, as long as the cable is up. */
  reach(port: number): Promise<void>;
  /** What root's login shell runs first; undefined for nothing. */
  startUpFile(script: string | undefined): void;
  /** What sshd runs in place of any command, from its next start on; undefined for none. */
  forcedCommand(command: string | undefined): void;
  end(): Promise<void>;
}

const PORTAL_PORT = 9;
let made = 0;

export async function startPodHost(): Promise<PodHost> {
  made += 1;
  const name = `ap${process.pid}x${made}`.slice(-12);
  const net = freeNetwork();
  const folder = mkdtempSync(join(tmpdir(), 'ap-ns-'));
  const [near, far] = [`n${name}`, `f${name}`];
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
  ip('netns', 'add', name);
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
  ip('addr', 'add', `${net}.1/24`, 'dev', near);
  ip('link', 'set', near, 'up');
  // With the link down, nothing of it goes out by the machine's default route.
  ip('route', 'add', 'unreachable', `${net}.0/24`, 'metric', '4278198272');
  ip('-n', name, 'addr', 'add', `${net}.2/24`, 'dev', far);
  ip('-n', name, 'link', 'set', far, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  mkdirSync('/run/sshd', { recursive: true });
  const mac = /link\/ether (\S+)/.exec(ip('-n', name, 'link', 'show', far).toString())?.[1] ?? '';

  let sshd: ChildProcess | undefined;
  let comfy: ChildProcess | undefined;
  let portal: ChildProcess | undefined;
  const relays: Server[] = [];
  const state = {
    port: 2200,
    forwarding: 'yes',
    forced: undefined as string | undefined,
    env: {} as Record<string, string>,
  };

  const startSshd = async () => {
    const config = join(folder, 'sshd_config');
    const lines = [
      `Port ${state.port}`,
      `HostKey ${folder}/host_${state.port}`,
      `AuthorizedKeysFile ${folder}/.ssh/authorized_keys`,
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      `SetEnv HOME=${folder}`,
      'UsePAM no',
      'PidFile none',
      `AllowTcpForwarding ${state.forwarding}`,
      'MaxStartups 100',
      'Subsystem sftp internal-sftp',
      ...(state.forced === undefined ? [] : [`ForceCommand ${state.forced}`]),
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    // As in a container: processes of its own, of which the first has the environment. sshd writes over its own.
    const container = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
    const first = ['/bin/sh', '-c', `/usr/sbin/sshd -D -e -f ${config}; exit 0`];
    sshd = spawn('ip', ['netns', 'exec', name, ...container, ...first], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, ...state.env },
    });
    await until('sshd listens', () => isOpen(name, state.port));
  };
  const makeHostKey = () => {
    const key = join(folder, `host_${state.port}`);
    rmSync(key, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  };
  /** Every process of the namespace whose command line has this word. */
  const pids = (word: string) =>
    ip('netns', 'pids', name)
      .toString()
      .split('\n')
      .filter(Boolean)
      .map(Number)
      .filter((pid) => commandLine(pid).includes(word));
  const signalAll = (word: string, what: NodeJS.Signals) => signal(pids(word), what);

  const strikeFlows = (verdict: string) => {
    const nft = (rule: string) => ip('netns', 'exec', name, 'nft', rule);
    nft('add table inet drops; add chain inet drops in { type filter hook input priority 0; }');
    // Not on lo: sshd may get one of these ports for a connection to ComfyUI.
    for (const port of peersOf(name, state.port))
      nft(`add rule inet drops in iifname != lo tcp sport ${port} ${verdict}`);
  };

  const host: PodHost = {
    home: folder,
    host: `${net}.2`,
    get port() {
      return state.port;
    },
    cable(wanted) {
      ip('link', 'set', near, wanted === 'down' ? 'down' : 'up');
      // Frames to a wrong address vanish: no error, no answer.
      if (wanted === 'swallowing')
        ip('neigh', 'replace', `${net}.2`, 'lladdr', '02:00:00:00:00:99', 'dev', near, 'nud', 'permanent');
      if (wanted === 'up') ip('neigh', 'replace', `${net}.2`, 'lladdr', mac, 'dev', near, 'nud', 'reachable');
    },
    dropFlows: () => strikeFlows('drop'),
    resetFlows: () => strikeFlows('reject with tcp reset'),
    async portal(isThere) {
      const nft = (rule: string) => ip('netns', 'exec', name, 'nft', rule);
      if (!isThere) return void nft('delete table ip portal');
      if (!portal) {
        const accepting = `require('net').createServer((s) => s.on('error', () => {})).listen(${PORTAL_PORT}, () => console.log('up'))`;
        portal = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', accepting], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(portal.stdout as NodeJS.ReadableStream, 'data');
      }
      nft('add table ip portal');
      nft('add chain ip portal to { type nat hook prerouting priority -100; }');
      nft('add chain ip portal in { type filter hook input priority 0; }');
      // Connections there were are not taken over: they get no answer.
      const isFirst = 'tcp flags & (fin | syn | rst | ack) == syn';
      nft(
        `add rule ip portal to iifname != lo tcp dport ${state.port} ${isFirst} redirect to :${PORTAL_PORT}`,
      );
      nft(`add rule ip portal in iifname != lo tcp dport ${state.port} drop`);
    },
    line(megabits) {
      qdisc(near, megabits);
      qdisc(far, megabits, name);
    },
    allowForwarding(isAllowed) {
      state.forwarding = isAllowed ? 'yes' : 'no';
    },
    async comfy(wanted) {
      if (wanted === 'down') {
        signalAll('comfy.mjs', 'SIGKILL');
        return;
      }
      const program = join(import.meta.dirname, 'comfy.mjs');
      comfy = spawn('ip', ['netns', 'exec', name, process.execPath, program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(comfy.stdout as NodeJS.ReadableStream, 'data');
    },
    freezeComfy(isFrozen) {
      signalAll('comfy.mjs', isFrozen ? 'SIGSTOP' : 'SIGCONT');
    },
    async sshd(wanted) {
      if (wanted === 'up') await startSshd();
      else signalAll('sshd', wanted === 'killed' ? 'SIGKILL' : wanted === 'frozen' ? 'SIGSTOP' : 'SIGCONT');
    },
    async move() {
      signalAll('sshd', 'SIGKILL');
      state.port += 1;
      makeHostKey();
      await startSshd();
    },
    async changeHostKey() {
      signalAll('sshd', 'SIGKILL');
      makeHostKey();
      await until('the port is free', () => !isOpen(name, state.port));
      await startSshd();
    },
    authorize(publicKeys) {
      writeFileSync(join(folder, '.ssh', 'authorized_keys'), `${publicKeys}\n`, { mode: 0o600 });
    },
    environment(env) {
      state.env = env;
    },
    async reach(port) {
      const near = createServer((from) => passOn(from, connect({ host: '127.0.0.1', port })));
      near.listen(0, `${net}.1`);
      await once(near, 'listening');
      relays.push(near);
      const to = JSON.stringify({ host: `${net}.1`, port: (near.address() as AddressInfo).port });
      const passing = `const n = require('net'); n.createServer((s) => { const t = n.connect(${to}); t.setTimeout(1000, () => t.connecting && (t.destroy(), s.destroy())); for (const [a, b] of [[s, t], [t, s]]) { a.pipe(b); a.on('error', () => b.destroy()); } }).listen(${port}, '127.0.0.1', () => console.log('up'))`;
      const relay = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', passing], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(relay.stdout as NodeJS.ReadableStream, 'data');
    },
    startUpFile(script) {
      for (const file of ['.bashrc', '.profile'])
        if (script === undefined) rmSync(join(folder, file), { force: true });
        else writeFileSync(join(folder, file), script);
    },
    forcedCommand(command) {
      state.forced = command;
    },
    async end() {
      signalAll('', 'SIGKILL');
      for (const relay of relays) relay.close();
      sshd?.kill('SIGKILL');
      comfy?.kill('SIGKILL');
      portal?.kill('SIGKILL');
      ip('netns', 'del', name);
      ip('route', 'del', 'unreachable', `${net}.0/24`, 'metric', '4278198272');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  makeHostKey();
  mkdirSync(join(folder, '.ssh'), { mode: 0o700 });
  host.authorize('');
  await startSshd();
  await host.comfy('up');
  return host;
}

/** The first three bytes of a network no interface of this machine has; other tests make some at the same time. */
function freeNetwork(): string {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((all) =>
      all?.map(({ address }) => address.replace(/\.\d+$/, '')),
    ),
  );
  for (;;) {
    const net = `10.${randomInt(100, 200)}.${randomInt(256)}`;
    if (!taken.has(net)) return net;
  }
}

function passOn(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
  }
}

/** Sets or takes away the limit of one side's sending. */
function qdisc(device: string, megabits: number | undefined, netns?: string): void {
  const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
  const limit = ['rate', `${megabits}mbit`, 'burst', '32kb', 'limit', '1mb'];
  const wanted =
    megabits === undefined
      ? ['del', 'dev', device, 'root']
      : ['replace', 'dev', device, 'root', 'tbf', ...limit];
  const [program = '', ...args] = [...inside, 'tc', 'qdisc', ...wanted];
  execFileSync(program, args, { stdio: 'pipe' });
}

function isOpen(netns: string, port: number): boolean {
  return new RegExp(`:${hex(port)} 0+:0000 0A`).test(tcpTable(netns));
}

/** Remote ports of the connections established to a port. */
function peersOf(netns: string, port: number): number[] {
  const established = new RegExp(`:${hex(port)} [0-9A-F]+:([0-9A-F]{4}) 01`, 'g');
  return [...tcpTable(netns).matchAll(established)].map(([, peer = '']) => Number.parseInt(peer, 16));
}

function tcpTable(netns: string): string {
  return execFileSync('ip', ['netns', 'exec', netns, 'cat', '/proc/net/tcp'], { encoding: 'utf8' });
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function hasNamespaces(): boolean {
  try {
    execFileSync('ip', ['netns', 'add', `apcheck${process.pid}`], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', `apcheck${process.pid}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
