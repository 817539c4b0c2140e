import type { Command } from 'commander';
import {
  ASKING_MINUTES,
  examples,
  json,
  limiting,
  POD,
  type Runs,
  replacing,
  timeout,
  waiting,
} from './shared.ts';

/** Minutes a pod has to stop or to end. */
const POWER_OFF_MINUTES = 10;

/** What one does with the pods there are. */
export function addPods(program: Command, runs: Runs): void {
  timeout(json(program.command('ls').aliases(['list', 'ps'])), ASKING_MINUTES)
    .summary('list the pods, their state and cost')
    .description(
      'Lists every pod of the account, with its state, what it costs an hour and what it has cost; then what is planned for them, and which of them nobody seems to use.',
    )
    .option('--all', 'also launches that have no pod')
    .action(runs(async () => (await import('../commands/ls.ts')).ls));

  timeout(json(program.command('info').argument(...POD)), ASKING_MINUTES)
    .summary('show all about one pod')
    .action(runs(async () => (await import('../commands/info.ts')).info));

  timeout(
    program
      .command('ssh')
      .alias('shell')
      .argument(...POD),
    ASKING_MINUTES,
    'how long to wait until ssh can be started',
  )
    .summary("open a shell on the pod; the exit code is ssh's")
    .option('-c, --command <text>', 'run this command instead of a shell')
    .addHelpText('after', examples(['autopod ssh', 'autopod ssh -c nvidia-smi']))
    .action(runs(async () => (await import('../commands/ssh.ts')).ssh));

  timeout(json(program.command('stop').argument(...POD)), POWER_OFF_MINUTES)
    .summary('stop a pod: the GPU is released, the network volume stays')
    .description(
      'Stops a pod: its GPU is released and no longer paid for. What is on a network volume stays, the container disk is wiped. The tunnel waits for the pod to run again.',
    )
    .option('-y, --yes', 'do not ask, where there is no volume to keep what was made')
    .action(runs(async () => (await import('../commands/stop.ts')).stop));

  timeout(
    json(
      program
        .command('extend')
        .argument('[pod]', POD[1])
        .argument('[duration]', 'how much longer; the only word there is, or the second'),
    ),
    ASKING_MINUTES,
  )
    .summary('give a pod more time before it is stopped by itself')
    .description(
      'Puts off the time at which a pod is stopped by itself: for this machine and for the guard in the pod alike.',
    )
    .addHelpText('after', examples(['autopod extend 1h', 'autopod extend my-pod 30m']))
    .action(runs(async () => (await import('../commands/extend.ts')).extend));

  const start = program
    .command('start')
    .alias('resume')
    .argument(...POD);
  limiting(replacing(waiting(json(start))))
    .summary('start a stopped pod and wait until ComfyUI answers')
    .description(
      'Starts a stopped pod and waits until ComfyUI answers. A stopped pod keeps its host, not its GPU: where others have it by now, --replace makes a pod in its place.',
    )
    .option('--no-wait', 'return once RunPod has accepted')
    .action(runs(async () => (await import('../commands/start.ts')).start));

  limiting(waiting(json(program.command('restart').argument(...POD))))
    .summary('restart a pod and wait until ComfyUI answers')
    .description(
      'Restarts a pod and waits until ComfyUI answers again. Its container disk is wiped, and its address changes.',
    )
    .action(runs(async () => (await import('../commands/restart.ts')).restart));

  timeout(
    json(
      program
        .command('kill')
        .aliases(['terminate', 'rm'])
        .argument(...POD),
    ),
    POWER_OFF_MINUTES,
  )
    .summary('end a pod for good; network volumes are kept')
    .description(
      'Ends a pod for good, after asking. Everything outside its network volume is lost; network volumes are kept. A launch that has no pod is forgotten.',
    )
    .option('-y, --yes', 'do not ask')
    .action(runs(async () => (await import('../commands/kill.ts')).kill));
}
