import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { AutopodError } from '../../errors.ts';
import { serveInspector } from '../../inspector/server.ts';
import type { Looks } from '../../inspector/watch.ts';
import { theOneMeant } from '../../lifecycle/choose.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { openBrowser } from '../comfy/browser.ts';
import type { Context } from '../context.ts';
import { watchAll } from '../inspecting/watching.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

export interface InspectOptions {
  open: boolean;
  port?: number;
}

/** Serves the inspector until it is interrupted. It asks nothing of RunPod and changes nothing. */
export const inspect: Verb<InspectOptions> = async (context, named, options) => {
  const subject = named === undefined ? '' : `#${await subjectOf(context, named)}`;
  return showInspector(context, await watchAll(context), subject, options);
};

/** Serves what is looked at. `subject` is what the address ends with. */
export async function showInspector(
  context: Context,
  looks: Looks,
  subject: string,
  { open, port }: InspectOptions,
): Promise<number> {
  const { out, signal } = context;
  const inspector = await serveInspector(looks, port ?? 0);
  const url = `${inspector.url}${subject}`;
  const { stately } = inspector;
  const { inspector: address } = context.home();
  await writeFileAtomic(address, JSON.stringify({ stately }));
  if (out.isJson) out.jsonLine({ url, stately });
  else out.line(url);
  out.say(text.inspecting());
  out.say(text.attaching(stately));
  if (open) await openBrowser(context, `${inspector.entry}${subject}`);
  if (!signal.aborted) await once(signal, 'abort');
  await inspector.close();
  if ((await readFile(address, 'utf8').catch(() => '')).includes(stately)) await rm(address, { force: true });
  return 0;
}

/** A pod by id, launch id or name, also one long gone of which only the journal tells. */
async function subjectOf(context: Context, named: string): Promise<string> {
  const meant = theOneMeant(Object.entries(await (await context.pods()).peek()), named);
  if (meant) return `pod/${meant[0]}`;
  const entry = (await (await context.journal()).read()).findLast(({ id }) => id === named);
  if (!entry) throw new AutopodError('podNotFound', { podId: named });
  return `${entry.machine.split('@')[0]}/${named}`;
}
