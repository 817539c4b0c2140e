import { readFile } from 'node:fs/promises';
import { AutopodError } from '../../errors.ts';
import { userConfigPath, withInclude } from '../../services/ssh/user-config.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

interface SshConfigOptions {
  install?: boolean;
  uninstall?: boolean;
}

/** Prints the ssh configuration the keeper maintains, or has the user's own configuration include it. */
export const sshConfig: Verb<SshConfigOptions> = async (context, _podId, { install, uninstall }) => {
  if (install && uninstall) {
    throw new AutopodError('usage', { message: '--install and --uninstall exclude each other.' });
  }
  return install || uninstall ? include(context, install === true) : show(context);
};

async function show(context: Context): Promise<number> {
  const { out } = context;
  const { sshConfig: path } = context.home();
  const blocks = await readFile(path, 'utf8').catch(() => '');
  if (out.isJson) out.json({ path, config: blocks });
  else if (blocks.includes('Host ')) out.line(blocks.trimEnd());
  else out.say(text.noTunnels());
  return 0;
}

async function include(context: Context, isWanted: boolean): Promise<number> {
  const { out, env } = context;
  const { sshConfig: ours } = context.home();
  const userConfig = userConfigPath(env);
  const changed = await withInclude(userConfig, ours, isWanted);
  if (changed) await writeFileAtomic(changed.path, changed.text);
  if (out.isJson)
    out.json({ path: ours, userConfig, isIncluded: isWanted, isChanged: changed !== undefined });
  else out.line(isWanted ? text.sshConfigIncluded(userConfig) : text.sshConfigLeft(userConfig));
  return 0;
}
