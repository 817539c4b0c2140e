import { readFile } from 'node:fs/promises';
import { wantedTunnels } from '../../keeper/saved-tunnels.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';

/** Prints the ssh configuration the keeper maintains. */
export async function showSshConfig(context: Pick<Context, 'out' | 'home'>): Promise<number> {
  const { out } = context;
  const home = context.home();
  const { sshConfig: path } = home;
  const blocks = await readFile(path, 'utf8').catch(() => '');
  if (out.isJson) out.json({ path, config: blocks });
  else if (blocks.includes('Host ')) out.line(blocks.trimEnd());
  else {
    const waiting = wantedTunnels(home);
    out.say(waiting.length > 0 ? text.tunnelsWaiting(waiting) : text.noTunnels());
  }
  return 0;
}
