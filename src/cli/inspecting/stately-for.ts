import { readFile } from 'node:fs/promises';
import { AutopodError } from '../../errors.ts';
import type { StatelySender } from '../../inspector/stately-sender.ts';
import { loopbackSocket } from '../arguments/options.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';

/**
 * Where `--inspect` sends to: the address it names, else the `autopod inspect` that was started last; undefined
 * without the option. An end that does not answer is told, and the command goes on without it.
 */
export async function statelyFor(
  context: Context,
  wanted: string | true | undefined,
): Promise<StatelySender | undefined> {
  if (wanted === undefined) return undefined;
  const url = wanted === true ? await runningInspector(context) : wanted;
  const [{ sendToStately }, { knownSecrets, watchTunnels }] = await Promise.all([
    import('../../inspector/stately-sender.ts'),
    import('./watching.ts'),
  ]);
  const onLost = () => context.out.say(text.statelyLost(new URL(url).origin));
  const [secrets, watch] = await Promise.all([knownSecrets(context), watchTunnels(context)]);
  return sendToStately({ url, secrets, watch, onLost });
}

async function runningInspector(context: Context): Promise<string> {
  const { inspector: file } = context.home();
  const saved = await readFile(file, 'utf8').catch(() => undefined);
  const next = text.startInspector();
  if (saved === undefined) throw new AutopodError('usage', { message: text.noInspector(), next });
  try {
    return loopbackSocket(JSON.parse(saved).stately);
  } catch {
    throw new AutopodError('usage', { message: text.badInspector(file), next });
  }
}
