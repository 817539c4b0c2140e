import type { Command } from 'commander';
import { examples, json, POD, type Runs, waiting } from './shared.ts';

/** What one does with the pods there are. */
export function addPods(program: Command, runs: Runs): void {
  json(program.command('ls').aliases(['list', 'ps']))
    .summary('list the pods, their state and cost')
    .option('--all', 'also launches that have no pod')
    .action(runs(async () => (await import('../commands/ls.ts')).ls));

  json(program.command('info').argument(...POD))
    .summary('show all about one pod')
    .action(runs(async () => (await import('../commands/info.ts')).info));

  program
    .command('ssh')
    .alias('shell')
    .argument(...POD)
    .summary("open a shell on the pod; the exit code is ssh's")
    .option('-c, --command <text>', 'run this command instead of a shell')
    .addHelpText('after', examples(['autopod ssh', 'autopod ssh -c nvidia-smi']))
    .action(runs(async () => (await import('../commands/ssh.ts')).ssh));

  json(program.command('stop').argument(...POD))
    .summary('stop a pod: the GPU is released, the network volume stays')
    .action(runs(async () => (await import('../commands/stop.ts')).stop));

  waiting(
    json(
      program
        .command('start')
        .alias('resume')
        .argument(...POD),
    ),
  )
    .summary('start a stopped pod and wait until ComfyUI answers')
    .option('--no-wait', 'return once RunPod has accepted')
    .action(runs(async () => (await import('../commands/start.ts')).start));

  waiting(json(program.command('restart').argument(...POD)))
    .summary('restart a pod and wait until ComfyUI answers')
    .action(runs(async () => (await import('../commands/restart.ts')).restart));

  json(
    program
      .command('kill')
      .aliases(['terminate', 'rm'])
      .argument(...POD),
  )
    .summary('end a pod for good; network volumes are kept')
    .option('-y, --yes', 'do not ask')
    .action(runs(async () => (await import('../commands/kill.ts')).kill));
}
