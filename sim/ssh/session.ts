import { createHmac } from 'node:crypto';
import type { ServerChannel, Session } from 'ssh2';
import { interpret } from './commands.ts';
import type { Files } from './files.ts';
import type { Machine, Shell } from './machine.ts';
import { serveSftp } from './sftp.ts';

const NOTHING = Buffer.alloc(0);

/** Serves one ssh session: a command, a shell with a prompt, or scp and sftp. */
export function serveSession(session: Session, machine: () => Machine, files: Files): void {
  session.on('pty', (accept) => accept?.());
  session.on('env', (accept) => accept?.());
  session.on('window-change', (accept) => accept?.());
  session.on('exec', (accept, _reject, { command }) => {
    const channel = accept();
    begin(channel, machine().shell, () => run(channel, command, machine()));
  });
  session.on('shell', (accept) => shell(accept(), machine));
  session.on('sftp', (accept) => serveSftp(accept(), files));
}

/** What the login shell does of its own before it runs a command, if it ever does. */
function begin(channel: ServerChannel, { manner, delayMs }: Shell, runIt: () => void): void {
  channel.on('error', () => {});
  const start = () => {
    if (manner === 'hanging') return void channel.resume();
    if (manner !== 'plain') channel.write('Welcome to this pod!\nuser=root\n');
    if (manner !== 'forced') return runIt();
    channel.resume();
    leave(channel, 1);
  };
  if (delayMs === 0) start();
  else {
    const timer = setTimeout(start, delayMs).unref();
    channel.once('close', () => clearTimeout(timer));
  }
}

function run(channel: ServerChannel, command: string, machine: Machine): void {
  if (/^\s*(exec\s+)?cat\s*$/.test(command)) echo(channel);
  else if (/^\s*(exec\s+)?sleep\s+[\d.]+\s*$/.test(command)) sleep(channel, command);
  else if (command.includes('/proc/1/environ')) {
    channel.write(answerOf(command, machine.env.AUTOPOD_POD_SECRET));
    echo(channel);
  } else if (/ autopod-guard (arm|beat)$/.test(command)) readScript(channel, command, machine);
  else if (/ autopod-keys$/.test(command)) changeKeys(channel, machine);
  else if (command.includes('autopod-use')) {
    const counts = Object.entries(machine.use).map(([name, count]) => `${name}=${count}`);
    channel.resume();
    channel.write(`autopod-use ${counts.join(' ')}\n`, () => leave(channel, 0));
  } else runOnce(channel, command, machine);
}

/** What the script would print that proves to be the pod: its arguments are a challenge and a mark. */
function answerOf(command: string, secret: string | undefined): string {
  const [, challenge, mark] = /' - ([0-9a-f]+) ([0-9a-f]+)$/.exec(command) ?? [];
  if (secret === undefined || secret === '') return `\n${mark}=nosecret\n`;
  const answer = createHmac('sha256', Buffer.from(secret, 'hex')).update(`autopod ${challenge}`);
  return `\n${mark}=${answer.digest('hex')}\n`;
}

/** `sh -s`: the guard's commands come as a script on standard input. */
function readScript(channel: ServerChannel, command: string, { guard }: Machine): void {
  const verb = command.split(' ').at(-1) ?? '';
  let script = '';
  channel.on('data', (chunk: Buffer) => {
    script += chunk.toString('utf8');
  });
  channel.once('end', () => channel.write(guard?.session(verb, script) ?? '', () => leave(channel, 0)));
}

/** A key as it stands in a line, in base64. */
const KEY = /[A-Za-z0-9+/]{40,}=*/;

/** `sh -s`: lines of authorized_keys that come and go, as autopod's script says. */
function changeKeys(channel: ServerChannel, { authorizedKeys = '', changeKeys: change }: Machine): void {
  let script = '';
  channel.on('data', (chunk: Buffer) => {
    script += chunk.toString('utf8');
  });
  channel.once('end', () => {
    const left = [...script.matchAll(/^(\*\S.*)\*\) ;;$/gm)].map(
      ([, pattern = '']) => KEY.exec(pattern)?.[0],
    );
    // As a shell that trips over a script, rather than say that it is done.
    if (left.includes(undefined)) return leave(channel, 2);
    const come = [...script.matchAll(/^printf '%s\\n' '(\S+ \S+.*)' \|\| exit 1$/gm)].map(([, line]) => line);
    const lines = authorizedKeys.split('\n');
    const stay = lines.filter((line) => !line.split(/[ \t\r]/).some((word) => left.includes(word)));
    change?.([...stay, ...come].join('\n'));
    channel.write('autopod-keys done\n', () => leave(channel, 0));
  });
}

/** `cat`: gives back each byte, and ends when its input does. */
function echo(channel: ServerChannel): void {
  channel.pipe(channel, { end: false });
  channel.once('end', () => channel.write(NOTHING, () => leave(channel, 0)));
}

function sleep(channel: ServerChannel, command: string): void {
  const seconds = Number(/[\d.]+/.exec(command)?.[0]);
  const timer = setTimeout(() => leave(channel, 0), seconds * 1000);
  timer.unref();
  channel.resume();
  channel.once('close', () => clearTimeout(timer));
}

function runOnce(channel: ServerChannel, command: string, machine: Machine): void {
  const { stdout, stderr, code } = interpret(command, machine);
  channel.resume();
  if (stderr) channel.stderr.write(stderr);
  channel.write(stdout, () => leave(channel, code));
}

function shell(channel: ServerChannel, machine: () => Machine): void {
  const prompt = `root@${machine().podId}:~# `;
  let line = '';
  channel.write(prompt);
  channel.on('data', (chunk: Buffer) => {
    for (const character of chunk.toString('utf8')) {
      if (character === '\u0004') {
        leave(channel, 0);
        return;
      }
      if (character !== '\r' && character !== '\n') {
        line += character;
        channel.write(character);
        continue;
      }
      const { stdout, stderr, code } = interpret(line, machine());
      channel.write(`\r\n${(stdout + stderr).replaceAll('\n', '\r\n')}`);
      if (/^\s*exit\b/.test(line)) {
        leave(channel, code);
        return;
      }
      line = '';
      channel.write(prompt);
    }
  });
  channel.once('end', () => leave(channel, 0));
}

function leave(channel: ServerChannel, code: number): void {
  if (!channel.writable) return;
  channel.exit(code);
  channel.end();
}
