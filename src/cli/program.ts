import { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { Context } from './context.ts';
import type { Output } from './output.ts';
import { addInsight } from './program/insight.ts';
import { addLaunch } from './program/launch.ts';
import { addPods } from './program/pods.ts';
import { addSetup } from './program/setup.ts';
import type { Runs } from './program/shared.ts';
import { addTunnels } from './program/tunnels.ts';

/** The whole command line. Command modules are loaded when their command runs. */
export function buildProgram(context: Context, out: Output, onExit: (code: number) => void): Command {
  const program = new Command('autopod')
    .description('Rent a RunPod GPU pod, run ComfyUI on it, and keep http://localhost:8188 working.')
    .version(VERSION, '-V, --version')
    .option('-v, --verbose', 'show each request to RunPod, and stack traces of bugs')
    .showSuggestionAfterError()
    .showHelpAfterError('(autopod --help lists the commands)')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (words) => out.stdout.write(words),
      writeErr: (words) => (out.isJson ? undefined : out.stderr.write(words)),
    });

  const runs: Runs =
    (load) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      const [named, value] = command.args;
      onExit(await (await load())(context, named, command.opts(), value));
    };

  addLaunch(program, runs);
  addPods(program, runs);
  addTunnels(program, runs);
  addInsight(program, runs);
  addSetup(program, runs, out, context);
  return program;
}
