import { keeperClient } from '../keeper/client.ts';
import { describeHome, homePath } from '../store/home.ts';
import { requireOwnHome } from '../store/ownership.ts';
import { tunnelList, tunnelStatus } from './commands/tunnel-status.ts';
import { Output } from './output/output.ts';

/**
 * `tunnel --status` and `tunnel list` by themselves, in a bundle of their own without the rest of the command line:
 * they are asked by prompts and scripts, many times a minute. Undefined for any other command line.
 */
export async function runStatus(
  argv: string[],
  streams: Pick<Output, 'stdout' | 'stderr'>,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number | undefined> {
  const [command, verb, ...rest] = argv;
  const isJson = rest[0] === '--json';
  if (command !== 'tunnel' || rest.length > (isJson ? 1 : 0)) return undefined;
  requireOwnHome(homePath(env));
  const keeper = async () => keeperClient(describeHome(homePath(env)), env);
  const context = { out: new Output(streams, env, isJson), signal, keeper, env };
  if (verb === '--status') return tunnelStatus(context, undefined);
  return verb === 'list' ? tunnelList(context) : undefined;
}
