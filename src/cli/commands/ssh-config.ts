import { AutopodError } from '../../errors.ts';
import { includeLine, userConfigPath, withInclude } from '../../services/ssh/user-config.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { showSshConfig } from './ssh-config-show.ts';

interface SshConfigOptions {
  install?: boolean;
  uninstall?: boolean;
}

/** Shows the ssh configuration of the pods with a tunnel, or has the user's own configuration include it. */
export const sshConfig: Verb<SshConfigOptions> = async (context, _podId, { install, uninstall }) => {
  if (install && uninstall) {
    throw new AutopodError('usage', { message: '--install and --uninstall exclude each other.' });
  }
  return install || uninstall ? include(context, install === true) : showSshConfig(context);
};

// A configuration that a tool or an administrator writes is not ours to change.
function refuse({ code }: NodeJS.ErrnoException, file: string, ours: string, isWanted: boolean): never {
  throw new AutopodError('stateUnreadable', {
    file,
    reason: `It cannot be written (${code}).`,
    next: `${isWanted ? 'Add this line at its top yourself' : 'Remove this line from it yourself'}: ${includeLine(ours)}`,
  });
}

async function include(context: Context, isWanted: boolean): Promise<number> {
  const { out, env } = context;
  const { sshConfig: ours } = context.home();
  const userConfig = userConfigPath(env);
  const changed = await withInclude(userConfig, ours, isWanted);
  if (changed)
    await writeFileAtomic(changed.path, changed.text).catch((error) =>
      refuse(error, userConfig, ours, isWanted),
    );
  if (out.isJson)
    out.json({ path: ours, userConfig, isIncluded: isWanted, isChanged: changed !== undefined });
  else out.line(isWanted ? text.sshConfigIncluded(userConfig) : text.sshConfigLeft(userConfig));
  return 0;
}
