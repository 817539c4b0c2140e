import type { Command } from 'commander';
import { describeHome, homePath } from '../../store/home.ts';
import { portNumber } from '../arguments/options.ts';
import { suggest } from '../arguments/suggest.ts';
import type { Context } from '../context.ts';
import type { Output } from '../output/output.ts';
import { TOPICS } from '../text/topics.ts';
import { examples, json, type Runs } from './shared.ts';

/** The command these words name, such as `config set`; of one that takes words itself (`tunnel list`), that one. */
function commandNamed(program: Command, words: string[]): Command | undefined {
  let command = program;
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (!inner) return command !== program && command.commands.length === 0 ? command : undefined;
    command = inner;
  }
  return command;
}

/** Settings, rehearsal, help and completion. */
export function addSetup(program: Command, runs: Runs, out: Output, context: Context): void {
  const config = program
    .command('config')
    .summary('settings')
    .description('Shows and changes the settings in config.json.');
  json(config.command('init'))
    .summary('ask for what autopod needs, check it, and write config.json')
    .action(runs(async () => (await import('../commands/config-init.ts')).configInit));
  json(config.command('show'))
    .summary('the settings in force, without the secrets')
    .action(runs(async () => (await import('../commands/config-show.ts')).configShow));
  json(config.command('set').argument('<name>').argument('[value]', 'the value; "" takes the setting out'))
    .summary('change one setting')
    .addHelpText(
      'after',
      examples([
        'autopod config set default_volume_id abc123',
        'autopod config set gpu_preferences "A40, L40S"',
      ]),
    )
    .action(runs(async () => (await import('../commands/config-set.ts')).configSet));
  json(config.command('path'))
    .summary('print where config.json is')
    .action(runs(async () => (await import('../commands/config-path.ts')).configPath));

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
    .action(runs(async () => (await import('../commands/sim.ts')).sim));

  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .summary('print the script that makes a shell complete autopod')
    .action(runs(async () => (await import('../commands/completion.ts')).completion));

  program
    .command('help')
    .argument('[topic...]', `a command, or: ${TOPICS.join(', ')}`)
    .summary('explain a command or a topic')
    .action(async (topic: string[], ...rest: unknown[]) => {
      const command = commandNamed(program, topic);
      if (command) return command.outputHelp();
      await runs(async () => (await import('../commands/help.ts')).help)(topic.join(' '), ...rest);
    });

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) => {
      for (const { word, about } of suggest(program, words, describeHome(homePath(context.env)))) {
        out.line(about ? `${word}\t${about}` : word);
      }
    });
}
