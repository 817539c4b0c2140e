import { type Command, Option } from 'commander';
import {
  cloudType,
  collect,
  dataCenter,
  exposedPort,
  loopbackSocket,
  minCuda,
  podName,
  wholeNumber,
} from '../arguments/options.ts';
import { autoStop, examples, json, limiting, POD, type Runs, replacing, waiting } from './shared.ts';

/** `up` and `connect`. */
export function addLaunch(program: Command, runs: Runs): void {
  launchOptions(program.command('up').argument(...POD))
    .summary('get to a ComfyUI that answers: go on, start, or create')
    .description(
      'Gets you a running ComfyUI: continues an unfinished launch, starts a stopped pod, opens the tunnel, or creates a pod; then waits until ComfyUI answers. Settings of config.json are the defaults.',
    )
    .optionsGroup(WHICH)
    .option('--new', 'create a pod even when there is one')
    .addHelpText(
      'after',
      examples([
        'autopod up',
        'autopod up --volume-id abc123 --gpu A40 --gpu "RTX A6000"',
        'autopod up --stop-after 2h --idle-stop 30m',
        'autopod up --dry-run',
      ]),
    )
    .action(runs(async () => (await import('../commands/up.ts')).up));

  launchOptions(program.command('connect'))
    .summary('create a pod, always, and wait until ComfyUI answers')
    .description(
      'Creates a pod even when there is one, and waits until ComfyUI answers. Settings of config.json are the defaults.',
    )
    .addHelpText('after', examples(['autopod connect --gpu "RTX 4090" --disk-size 80']))
    .action(runs(async () => (await import('../commands/up.ts')).connect));
}

const WHICH = 'The pod to create:';

function launchOptions(command: Command): Command {
  creating(command, '--name')
    .option('-y, --yes', 'do not ask before --expose makes a port public')
    .optionsGroup('The way to ComfyUI:');
  waiting(command).optionsGroup('When it ends, and what takes its place:');
  replacing(autoStop(command)).optionsGroup('What it may cost:');
  limiting(command).optionsGroup('What is shown:');
  return json(command)
    .option('--dry-run', 'print what would be done; create and change nothing')
    .option('--json-stream', 'print one JSON line for each change of state')
    .addOption(
      new Option(
        '--inspect [ws://…]',
        "send the machine's events to Stately's inspector, or to a running `autopod inspect`",
      ).argParser(loopbackSocket),
    );
}

/** What a pod is to be like that is created; `named` is the option that names it. */
export function creating(command: Command, named: '--name' | '--pod-name'): Command {
  return podLike(command.optionsGroup(WHICH), 50)
    .addOption(
      new Option(`${named} <name>`, 'name of the pod (default: made from the date)').argParser(podName),
    )
    .optionsGroup('Public ports:')
    .addOption(
      new Option('--expose <port[:label]>', 'make a port public through RunPod; repeatable').argParser(
        exposedPort,
      ),
    )
    .option('--expose-all', 'make public every port that port_templates names for the image');
}

/** What pods are to be like; `diskGb` is the disk of one where nothing is said. */
export function podLike(command: Command, diskGb?: number): Command {
  return command
    .option('--gpu <name>', `GPU wanted; repeat it in order of preference ${set('gpu_preferences')}`, collect)
    .option('--gpu-count <n>', `GPUs of the pod ${set('gpu_count, or 1')}`, wholeNumber(1))
    .addOption(
      new Option(
        '--min-cuda <x.y>',
        `lowest CUDA version of the host, or none for any ${set('min_cuda_version, or what the image needs')}`,
      ).argParser(minCuda),
    )
    .addOption(
      new Option('--disk-size <gb>', 'container disk in GB').argParser(wholeNumber(1)).default(diskGb),
    )
    .addOption(
      new Option(
        '--datacenter <id>',
        `data center ${set("the volume's, default_datacenter, or any")}`,
      ).argParser(dataCenter),
    )
    .option('--template <image>', `Docker image ${set('default_template, or runpod/comfyui:latest')}`)
    .addOption(
      new Option('--cloud-type <type>', `SECURE, COMMUNITY or ALL ${set('cloud_type, or SECURE')}`).argParser(
        cloudType,
      ),
    )
    .option('--volume-id <id>', `network volume to attach ${set('default_volume_id')}`)
    .option('--no-volume', 'attach none, whatever config.json says')
    .option(
      '--volume-mount <path>',
      `where the volume is mounted ${set('default_volume_mount, or /workspace')}`,
    );
}

/** Where a value comes from that is not given. */
function set(from: string): string {
  return `(default: ${from})`;
}
