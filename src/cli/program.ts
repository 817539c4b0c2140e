import { Command, Help, Option } from 'commander';
import type { LimitOptions } from '../services/limits.ts';
import { VERSION } from '../version.ts';
import { fleetOrNone } from './arguments/fleet.ts';
import { requireOwnOptions, requireValues } from './arguments/given.ts';
import type { Context } from './context.ts';
import { FLEET_VERBS, fleetInForce, requireLocal, THROUGH_FLEET } from './fleet/in-force.ts';
import { requireCarriedOut } from './fleet/not-carried-out.ts';
import type { Output } from './output/output.ts';
import { wrap } from './output/screen.ts';
import { addFleet } from './program/fleet.ts';
import { addInsight } from './program/insight.ts';
import { addJobs } from './program/jobs.ts';
import { addLaunch } from './program/launch.ts';
import { addPods } from './program/pods.ts';
import { addPools } from './program/pools.ts';
import { addRun } from './program/run.ts';
import { addSetup } from './program/setup.ts';
import type { Runs } from './program/shared.ts';
import { addTunnels } from './program/tunnels.ts';
import { TOPICS } from './text/topics.ts';
import { text } from './text.ts';

// Commander's own has only the first alias.
function subcommandTerm(command: Command): string {
  const hasOptions = command.options.length > 0;
  const args = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [namesOf(command), ...(hasOptions ? ['[options]'] : []), ...args].join(' ');
}

function commandUsage(command: Command): string {
  const above: string[] = [];
  for (let one = command.parent; one; one = one.parent) above.unshift(one.name());
  return [...above, namesOf(command), command.usage()].join(' ');
}

/** A command says more than its line in the list where there is more to say. */
function commandDescription(command: Command): string {
  const summary = command.summary();
  return command.description() || `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function namesOf(command: Command): string {
  return [command.name(), ...command.aliases()].join('|');
}

/** Commander's own; on a terminal too narrow for two columns the description stands below. */
function formatItem(term: string, termWidth: number, description: string, helper: Help): string {
  const columns = helper.helpWidth ?? 80;
  if (columns - termWidth - 4 >= helper.minWidthToWrap) {
    return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
  }
  const below = wrap(description, columns - 7, false).map((line) => `      ${line}`);
  return [`  ${term}`, ...(description ? below : [])].join('\n');
}

/** Puts the fleet in force, where the command is about its pods; the answer is what it does then instead. */
async function fleetVerb(context: Context, command: Command, program: Command) {
  const name = command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`;
  const verb = FLEET_VERBS[name];
  const { fleet: asked } = program.opts<{ fleet?: string }>();
  const fleet = await fleetInForce(asked, context.env);
  if (!verb && !THROUGH_FLEET.includes(name)) return requireLocal(name, asked, fleet);
  context.fleet = fleet;
  if (context.fleet) requireCarriedOut(name, command);
  return context.fleet && verb;
}

/** The whole command line. Command modules are loaded when their command runs. */
export function buildProgram(context: Context, out: Output, onExit: (code: number) => void): Command {
  const program = new Command('autopod')
    .description('Rent a RunPod GPU pod, run ComfyUI on it, and keep http://localhost:8188 working.')
    .version(VERSION, '-V, --version')
    .option('-v, --verbose', 'show each request to RunPod, and stack traces of bugs')
    .addOption(
      new Option(
        '--fleet <url>',
        'the fleet whose pods are meant, or "none" (default: where one is logged in)',
      ).argParser(fleetOrNone),
    )
    .addHelpText('after', text.helpTopics(TOPICS))
    .showSuggestionAfterError()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (words) => out.plain(words),
      writeErr: (words) => out.plainWords(words),
      // Told by run.ts, as every failure is.
      outputError: () => undefined,
    })
    .configureHelp({ subcommandTerm, commandUsage, commandDescription, formatItem });

  const runs: Runs =
    (load) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      requireOwnOptions(command, program);
      requireValues(command);
      const [named, value] = command.args;
      const { timeout } = command.opts<{ timeout?: number }>();
      if (timeout !== undefined)
        context.deadline.begin(timeout, command.getOptionValueSource('timeout') === 'cli');
      context.limitOptions = command.opts<LimitOptions>();
      const ofFleet = await fleetVerb(context, command, program);
      onExit(await (await (ofFleet ?? load)())(context, named, command.opts(), value));
    };

  addLaunch(program, runs);
  addRun(program, runs);
  addJobs(program, runs);
  addPods(program, runs);
  addTunnels(program, runs);
  addInsight(program, runs);
  addFleet(program, runs);
  addPools(program, runs);
  addSetup(program, runs, out, context);
  return program;
}
