import { existsSync } from 'node:fs';
import { loginFile } from '../store/fleet-login-file.ts';
import { describeHome, homePath } from '../store/home.ts';
import { requireOwnHome } from '../store/ownership.ts';
import { configPath } from './commands/config-path.ts';
import { history } from './commands/history.ts';
import { showSshConfig } from './commands/ssh-config-show.ts';
import { Output } from './output/output.ts';
import { stateHelp } from './state/state-help.ts';
import { HELP_TOPICS } from './text/topics.ts';
import { prose } from './views/prose.ts';

/**
 * The plain forms of commands that need neither network nor library nor keeper, in a bundle of their own without the
 * rest of the command line. Undefined for any other command line.
 */
export async function runQuick(
  argv: string[],
  streams: Pick<Output, 'stdout' | 'stderr'>,
  env: NodeJS.ProcessEnv,
): Promise<number | undefined> {
  const isJson = argv.at(-1) === '--json';
  const words = isJson ? argv.slice(0, -1) : argv;
  const context = {
    out: new Output(streams, env, isJson),
    env,
    home: () => describeHome(homePath(env)),
  };
  const [command, name = ''] = words;
  if (command !== 'help' && command !== 'config') requireOwnHome(homePath(env));
  if (words.join(' ') === 'config path') return configPath(context);
  if (words.join(' ') === 'ssh-config') return showSshConfig(context);
  if (words.length > 2 || name.startsWith('-')) return undefined;
  if (command === 'history' && existsSync(loginFile(homePath(env)))) return undefined;
  if (command === 'history') return history(context, name || undefined, {});
  if (command !== 'help' || isJson) return undefined;
  const topic = name === 'states' ? stateHelp() : HELP_TOPICS[name];
  if (topic === undefined) return undefined;
  context.out.line(prose(topic, context.out.screen));
  return 0;
}
