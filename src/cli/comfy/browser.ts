import type { Context } from '../context.ts';
import { text } from '../text.ts';

/** Opens an address in the user's browser; where there is none, says so: the address on stdout is enough. */
export async function openBrowser({ out, env }: Context, url: string): Promise<void> {
  const { default: open } = await import('open');
  const sayNone = () => out.say(text.noBrowser());
  const browser = await open(url, env.BROWSER ? { app: { name: env.BROWSER } } : {}).catch(() => undefined);
  if (!browser) return sayNone();
  browser.once('error', sayNone);
  browser.once('exit', (code) => code && sayNone());
  browser.unref();
}
