import { Command, Option } from 'commander';
import type { Context } from './context.ts';
import {
  cloudType,
  collect,
  durationMs,
  exposedPort,
  localPort,
  loopbackSocket,
  portNumber,
  wholeNumber,
} from './options.ts';
import type { Output } from './output.ts';
import type { Verb } from './verb.ts';
import { VERSION } from './version.ts';

/** The whole command line. Command modules are loaded when their command runs. */
export function buildProgram(context: Context, out: Output, onExit: (code: number) => void): Command {
  const program = new Command('autopod')
    .description('Rent a RunPod GPU pod, run ComfyUI on it, and keep http://localhost:8188 working.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    .showHelpAfterError('(autopod --help lists the commands)')
    .exitOverride()
    .configureOutput({
      writeOut: (words) => out.stdout.write(words),
      writeErr: (words) => (out.isJson ? undefined : out.stderr.write(words)),
    });

  /** Joins a command to its lazily loaded verb. */
  const runs =
    <Options>(load: () => Promise<Verb<Options>>) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const podId = command.args[0];
      onExit(await (await load())(context, podId, command.opts() as Options));
    };

  launchOptions(program.command('up').argument('[pod]', 'pod id or name'))
    .summary('get to a ComfyUI that answers: go on, start, or create')
    .description(
      'Makes it so: goes on with an unfinished launch, starts a stopped pod, opens the tunnel, or creates a pod; then waits until ComfyUI answers.',
    )
    .option('--new', 'create a pod even when there is one')
    .addHelpText(
      'after',
      examples([
        'autopod up',
        'autopod up --volume-id abc123 --gpu A40 --gpu "RTX A6000"',
        'autopod up --dry-run',
      ]),
    )
    .action(runs(async () => (await import('./commands/up.ts')).up));

  launchOptions(program.command('connect'))
    .summary('create a pod, always, and wait until ComfyUI answers')
    .addHelpText('after', examples(['autopod connect --gpu "RTX 4090" --disk-size 80']))
    .action(runs(async () => (await import('./commands/up.ts')).connect));

  json(program.command('ls').aliases(['list', 'ps']))
    .summary('list the pods, their state and cost')
    .option('--all', 'also launches that have no pod')
    .action(runs(async () => (await import('./commands/ls.ts')).ls));

  json(program.command('info').argument('[pod]', 'pod id or name'))
    .summary('show all about one pod')
    .action(runs(async () => (await import('./commands/info.ts')).info));

  program
    .command('ssh')
    .alias('shell')
    .argument('[pod]', 'pod id or name')
    .summary("open a shell on the pod; the exit code is ssh's")
    .option('-c, --command <text>', 'run this command instead of a shell')
    .action(runs(async () => (await import('./commands/ssh.ts')).ssh));

  json(program.command('ssh-config'))
    .summary('ssh configuration of the pods with a tunnel, for scp, rsync and editors')
    .option('--install', 'have ~/.ssh/config include it')
    .option('--uninstall', 'take that line out again')
    .addHelpText(
      'after',
      examples(['autopod ssh-config --install', 'scp model.safetensors autopod:/workspace/']),
    )
    .action(runs(async () => (await import('./commands/ssh-config.ts')).sshConfig));

  json(program.command('stop').argument('[pod]', 'pod id or name'))
    .summary('stop a pod: the GPU is released, the network volume stays')
    .action(runs(async () => (await import('./commands/stop.ts')).stop));

  waiting(json(program.command('start').alias('resume').argument('[pod]', 'pod id or name')))
    .summary('start a stopped pod and wait until ComfyUI answers')
    .option('--no-wait', 'return once RunPod has accepted')
    .action(runs(async () => (await import('./commands/start.ts')).start));

  waiting(json(program.command('restart').argument('[pod]', 'pod id or name')))
    .summary('restart a pod and wait until ComfyUI answers')
    .action(runs(async () => (await import('./commands/restart.ts')).restart));

  json(program.command('kill').aliases(['terminate', 'rm']).argument('[pod]', 'pod id or name'))
    .summary('end a pod for good; network volumes are kept')
    .option('-y, --yes', 'do not ask')
    .action(runs(async () => (await import('./commands/kill.ts')).kill));

  const tunnel = json(program.command('tunnel').argument('[pod]', 'pod id or name; "list" lists the tunnels'))
    .summary('open, show or close the tunnel to ComfyUI')
    .option('--status', 'show the tunnel; exit 0 when it is healthy, else 1')
    .option('--stop', 'close the tunnel')
    .option('--all', 'every running pod, or with --stop or --status every tunnel')
    .addOption(portOption())
    .addHelpText(
      'after',
      examples(['autopod tunnel', 'autopod tunnel --status', 'autopod tunnel --stop --all']),
    );
  tunnel.action(runs(async () => (await import('./commands/tunnel.ts')).tunnel));

  json(program.command('history').argument('[pod]', 'pod id or name; also of pods long gone'))
    .summary('what happened to pods and tunnels, and why')
    .option('--tail <n>', 'only the last lines', wholeNumber(1))
    .option('--all', 'each attempt of a tunnel, too')
    .action(runs(async () => (await import('./commands/history.ts')).history));

  json(program.command('inspect').argument('[pod]', 'pod id or name; also of pods long gone'))
    .summary('see the machines of pods and tunnels at work, in a browser')
    .description(
      'Serves a page on this machine that shows the state of every pod and tunnel, live, and lets you step back through what happened. It works offline and changes nothing.',
    )
    .option('--no-open', 'open no browser; only print the address')
    .option('--port <port>', 'port of the page; without it a free one', portNumber)
    .addHelpText('after', examples(['autopod inspect', 'autopod inspect --no-open --port 8190']))
    .action(runs(async () => (await import('./commands/inspect.ts')).inspect));

  const comfy = program.command('comfy').summary('ask ComfyUI how it is');
  json(comfy.command('status').argument('[pod]', 'pod id or name'))
    .summary('whether ComfyUI answers; exit 0 when it does, else 1')
    .option('--no-wait', 'ask once')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait').argParser(durationMs).default(120_000, '2m'),
    )
    .action(runs(async () => (await import('./commands/comfy-status.ts')).comfyStatus));
  json(comfy.command('info').argument('[pod]', 'pod id or name'))
    .summary('version, endpoints, extensions and queue')
    .action(runs(async () => (await import('./commands/comfy-info.ts')).comfyInfo));

  const config = program.command('config').summary('settings');
  json(config.command('path'))
    .summary('print where config.json is')
    .action(runs(async () => (await import('./commands/config-path.ts')).configPath));

  program
    .command('sim')
    .summary('rehearse without an account: a RunPod of your own on this machine')
    .option('--port <port>', 'port of its API', portNumber)
    .option('--scenario <file>', 'JSON file: latencies, stock, faults')
    .option('--api-key <key>', 'the key it accepts', 'sim-key')
    .addHelpText(
      'after',
      examples([
        'autopod sim --port 4010',
        'AUTOPOD_API_URL=http://127.0.0.1:4010/v2 RUNPOD_API_KEY=sim-key autopod up',
      ]),
    )
    .action(runs(async () => (await import('./commands/sim.ts')).sim));

  return program;
}

function json(command: Command): Command {
  return command.option('--json', 'print one JSON value on stdout');
}

function portOption(): Option {
  return new Option('--local-port <port>', 'port on this machine, or "auto" for the next free one').argParser(
    localPort,
  );
}

function waiting(command: Command): Command {
  return command
    .addOption(
      new Option('--timeout <duration>', 'how long to wait').argParser(durationMs).default(1_800_000, '30m'),
    )
    .option('--no-tunnel', 'keep no tunnel')
    .addOption(portOption());
}

function launchOptions(command: Command): Command {
  return waiting(json(command))
    .option('--gpu <name>', 'GPU wanted; repeat it in order of preference', collect)
    .option('--gpu-count <n>', 'GPUs of the pod', wholeNumber(1))
    .option('--disk-size <gb>', 'container disk in GB', wholeNumber(1), 50)
    .option('--datacenter <id>', 'data center; a volume decides it by itself')
    .option('--template <image>', 'Docker image')
    .addOption(new Option('--cloud-type <type>', 'SECURE, COMMUNITY or ALL').argParser(cloudType))
    .option('--volume-id <id>', 'network volume to attach')
    .option('--volume-mount <path>', 'where the volume is mounted')
    .addOption(
      new Option('--expose <port[:label]>', 'make a port public through RunPod; repeatable').argParser(
        exposedPort,
      ),
    )
    .option('--expose-all', 'make public every port that port_templates names for the image')
    .option('--name <name>', 'name of the pod')
    .option('--dry-run', 'print the plan and the request; create nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json-stream', 'print one JSON line for each change of state')
    .addOption(
      new Option(
        '--inspect [ws://…]',
        "send the machine's events to Stately's inspector, or to a running `autopod inspect`",
      ).argParser(loopbackSocket),
    );
}

function examples(lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
