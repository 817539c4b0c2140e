import type { Machine } from './machine.ts';

/** What a simulated command printed and returned. Nothing is ever run on this machine. */
export interface Outcome {
  stdout: string;
  stderr: string;
  code: number;
}

type Command = (args: string[], machine: Machine) => Partial<Outcome>;

const COMFYUI_LOG = '/workspace/runpod-slim/comfyui.log';

const COMMANDS: Record<string, Command> = {
  ':': () => ({}),
  true: () => ({}),
  false: () => ({ code: 1 }),
  exit: ([code = '0']) => ({ code: Number(code) & 255 }),
  echo: (args) => ({ stdout: `${args.join(' ')}\n` }),
  whoami: () => ({ stdout: 'root\n' }),
  pwd: () => ({ stdout: '/root\n' }),
  date: () => ({ stdout: `${new Date().toUTCString()}\n` }),
  hostname: (_, { podId }) => ({ stdout: `${podId}\n` }),
  uname: () => ({ stdout: 'Linux\n' }),
  ls: () => ({ stdout: 'workspace\n' }),
  cat: (files, machine) => readFiles('cat', files, machine),
  tail: (args, machine) => {
    const { count, files } = tailArguments(args);
    const { stdout = '', ...rest } = readFiles('tail', files, machine);
    return {
      stdout: stdout
        .split('\n')
        .slice(-count - 1)
        .join('\n'),
      ...rest,
    };
  },
  'nvidia-smi': (_, machine) => ({ stdout: nvidiaSmi(machine) }),
};

/** Runs a command line of the few words this pod knows, with `;`, `&&` and `||` between them. */
export function interpret(line: string, machine: Machine): Outcome {
  const outcome: Outcome = { stdout: '', stderr: '', code: 0 };
  let joint = ';';
  for (const part of line.split(/(;|&&|\|\|)/)) {
    if (/^(;|&&|\|\|)$/.test(part)) {
      joint = part;
      continue;
    }
    const words = split(part);
    if (words[0] === 'exec') words.shift();
    if (words.length === 0) continue;
    if ((joint === '&&' && outcome.code !== 0) || (joint === '||' && outcome.code === 0)) continue;
    const { stdout = '', stderr = '', code = 0 } = run(words, machine);
    outcome.stdout += stdout;
    outcome.stderr += stderr;
    outcome.code = code;
    if (words[0] === 'exit') break;
  }
  return outcome;
}

function run([name = '', ...args]: string[], machine: Machine): Partial<Outcome> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return command?.(args, machine) ?? { stderr: `bash: line 1: ${name}: command not found\n`, code: 127 };
}

function readFiles(name: string, files: string[], { comfyLogFile }: Machine): Partial<Outcome> {
  const missing = files.find((file) => file !== COMFYUI_LOG || comfyLogFile === null);
  if (missing) return { stderr: `${name}: ${missing}: No such file or directory\n`, code: 1 };
  return { stdout: (comfyLogFile ?? []).map((line) => `${line}\n`).join('') };
}

function tailArguments(args: string[]): { count: number; files: string[] } {
  const at = args.findIndex((arg) => arg === '-n' || /^-\d+$/.test(arg));
  const flag = args[at];
  if (flag === undefined) return { count: 10, files: args };
  const taken = flag === '-n' ? 2 : 1;
  const count = Number(flag === '-n' ? args[at + 1] : flag.slice(1));
  return { count, files: args.toSpliced(at, taken) };
}

function nvidiaSmi({ gpu, gpuMemory }: Machine): string {
  if (gpu.count === 0) return 'No devices were found\n';
  const rows = Array.from({ length: gpu.count }, (_, index) => {
    const memory = `1MiB / ${gpuMemory * 1024}MiB`;
    return `|  ${index}  ${gpu.id.padEnd(34)}  On  |  ${memory.padStart(22)}  |`;
  });
  const rule = `+${'-'.repeat((rows[0]?.length ?? 2) - 2)}+`;
  return `${[rule, '| NVIDIA-SMI 570.195.03   CUDA Version: 12.8', rule, ...rows, rule].join('\n')}\n`;
}

function split(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}
