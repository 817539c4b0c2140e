import open from 'open';
import { choosePod } from '../pod-argument.ts';
import { text } from '../text.ts';
import { tunnelTo } from '../tunnel-to.ts';
import type { Verb } from '../verb.ts';

/** Opens ComfyUI in the browser; the page waits in the tunnel until it answers. */
export const comfyOpen: Verb<{ browser: boolean }> = async (context, named, { browser }) => {
  const { out, env } = context;
  const { podId } = await choosePod(context, named);
  const { localPort } = await tunnelTo(context, podId, undefined);
  const url = `http://localhost:${localPort}`;
  if (out.isJson) out.json({ podId, url });
  else out.line(text.available(localPort));
  if (!browser) return 0;
  const program = env.BROWSER;
  const child = await open(url, program ? { app: { name: program } } : {});
  // A machine without a browser has printed the address already.
  child.once('error', () => out.say(text.noBrowser(url)));
  child.unref();
  return 0;
};
