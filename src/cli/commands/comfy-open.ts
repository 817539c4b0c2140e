import { openBrowser } from '../browser.ts';
import { choosePod } from '../pod-argument.ts';
import { text } from '../text.ts';
import { tunnelTo } from '../tunnel-to.ts';
import type { Verb } from '../verb.ts';

/** Opens ComfyUI in the browser; the page waits in the tunnel until it answers. */
export const comfyOpen: Verb<{ browser: boolean }> = async (context, named, { browser }) => {
  const { out } = context;
  const { podId } = await choosePod(context, named);
  const { localPort } = await tunnelTo(context, podId, undefined);
  const url = `http://localhost:${localPort}`;
  if (out.isJson) out.json({ podId, url });
  else out.line(text.available(localPort));
  if (!browser) return 0;
  await openBrowser(context, url);
  return 0;
};
