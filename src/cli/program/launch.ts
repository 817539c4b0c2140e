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
import { autoStop, examples, json, POD, type Runs, replacing, waiting } from './shared.ts';

/** `up` and `connect`. */
export function addLaunch(program: Command, runs: Runs): void {
  launchOptions(program.command('up').argument(...POD))
    .summary('get to a ComfyUI that answers: go on, start, or create')
    .description(
      'Gets you a running ComfyUI: continues an unfinished launch, starts a stopped pod, opens the tunnel, or creates a pod; then waits until ComfyUI answers.',
    )
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
    .addHelpText('after', examples(['autopod connect --gpu "RTX 4090" --disk-size 80']))
    .action(runs(async () => (await import('../commands/up.ts')).connect));
}

function launchOptions(command: Command): Command {
  return creating(replacing(autoStop(waiting(json(command)))))
    .addOption(new Option('--name <name>', 'name of the pod').argParser(podName))
    .option('--dry-run', 'print the plan and the request; create nothing')
    .option('-y, --yes', 'do not ask before --expose makes a port public')
    .option('--json-stream', 'print one JSON line for each change of state')
    .addOption(
      new Option(
        '--inspect [ws://…]',
        "send the machine's events to Stately's inspector, or to a running `autopod inspect`",
      ).argParser(loopbackSocket),
    );
}

/** What a pod is to be like that is created. */
export function creating(command: Command): Command {
  return command
    .option('--gpu <name>', 'GPU wanted; repeat it in order of preference', collect)
    .option('--gpu-count <n>', 'GPUs of the pod', wholeNumber(1))
    .addOption(
      new Option(
        '--min-cuda <x.y>',
        'lowest CUDA version of the host, or none for any; left out, what the image needs',
      ).argParser(minCuda),
    )
    .option('--disk-size <gb>', 'container disk in GB', wholeNumber(1), 50)
    .addOption(
      new Option('--datacenter <id>', 'data center; a volume decides it by itself').argParser(dataCenter),
    )
    .option('--template <image>', 'Docker image')
    .addOption(new Option('--cloud-type <type>', 'SECURE, COMMUNITY or ALL').argParser(cloudType))
    .option('--volume-id <id>', 'network volume to attach')
    .option('--volume-mount <path>', 'where the volume is mounted')
    .addOption(
      new Option('--expose <port[:label]>', 'make a port public through RunPod; repeatable').argParser(
        exposedPort,
      ),
    )
    .option('--expose-all', 'make public every port that port_templates names for the image');
}
