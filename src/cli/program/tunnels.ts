import type { Command } from 'commander';
import { ASKING_MINUTES, autoStop, examples, json, POD, portOption, type Runs, timeout } from './shared.ts';

/** The way to ComfyUI, and ComfyUI itself. */
export function addTunnels(program: Command, runs: Runs): void {
  timeout(
    autoStop(json(program.command('tunnel').argument('[pod]', 'pod id or name; "list" lists the tunnels'))),
    ASKING_MINUTES,
  )
    .summary('open, show or close the tunnel to ComfyUI')
    .description(
      'Opens the tunnel that makes ComfyUI answer at http://localhost:8188, or shows or closes it. A background process keeps it through everything (autopod help tunnels).',
    )
    .option('--status', 'show the tunnel; exit 0 when it is healthy, else 1')
    .option('--stop', 'close the tunnel')
    .option('--all', 'every running pod, or with --stop or --status every tunnel')
    .option('--over-limit', 'with --stop-after: let it run on past max_per_launch')
    .addOption(portOption())
    .addHelpText(
      'after',
      examples([
        'autopod tunnel',
        'autopod tunnel --local-port auto',
        'autopod tunnel --status',
        'autopod tunnel --stop-after 2h --idle-stop 30m',
        'autopod tunnel --stop --all',
      ]),
    )
    .action(runs(async () => (await import('../commands/tunnel.ts')).tunnel));

  json(program.command('ssh-config'))
    .summary('ssh configuration of the pods with a tunnel, for scp, rsync and editors')
    .option('--install', 'have ~/.ssh/config include it')
    .option('--uninstall', 'take that line out again')
    .addHelpText(
      'after',
      examples(['autopod ssh-config --install', 'scp model.safetensors autopod:/workspace/']),
    )
    .action(runs(async () => (await import('../commands/ssh-config.ts')).sshConfig));

  const comfy = program.command('comfy').summary('ask ComfyUI how it is, or open it');
  const toComfy = (name: string) =>
    timeout(
      json(comfy.command(name).argument(...POD)).addOption(
        portOption('port of the tunnel, where none is open yet'),
      ),
      2,
    );
  toComfy('status')
    .summary('whether ComfyUI answers; exit 0 when it does, else 1')
    .description(
      'Waits until ComfyUI answers through the tunnel, and says so. Opens the tunnel where there is none. Exit code 0 when it answers, else 1.',
    )
    .option('--no-wait', 'ask once')
    .action(runs(async () => (await import('../commands/comfy-status.ts')).comfyStatus));
  toComfy('info')
    .summary('version, endpoints, extensions and queue')
    .action(runs(async () => (await import('../commands/comfy-info.ts')).comfyInfo));
  toComfy('open')
    .summary('open ComfyUI in the browser')
    .option('--no-browser', 'only print its address')
    .action(runs(async () => (await import('../commands/comfy-open.ts')).comfyOpen));
}
