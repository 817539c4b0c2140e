import { isAnswering } from '../../services/comfyui/status.ts';
import { openBrowser } from '../comfy/browser.ts';
import { type WayOptions, wayToComfy } from '../comfy/way-to-comfy.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

/** Opens ComfyUI in the browser; the page waits in the tunnel until it answers. Exit code 0 when it does, else 1. */
export const comfyOpen: Verb<WayOptions & { browser: boolean }> = async (context, named, options) => {
  const { out, signal } = context;
  const { podId, tunnel } = await wayToComfy(context, named, options);
  const url = `http://localhost:${tunnel.localPort}`;
  const answers = await isAnswering(tunnel.localPort, signal, 5_000);
  if (out.isJson) out.json({ podId, url, isAnswering: answers });
  else out.line(answers ? text.available(tunnel.localPort) : text.tunnelOnly(tunnel.localPort));
  if (options.browser) await openBrowser(context, url);
  return answers ? 0 : 1;
};
