import { AutopodError } from '../../errors.ts';
import { openBrowser } from '../comfy/browser.ts';
import { fleetText } from '../text/fleet.ts';
import type { Verb } from '../verb.ts';
import { clientFor } from './way.ts';

/** Opens the fleet's page as who this machine is logged in as, by a code that serves once. */
export const page: Verb<{ open: boolean }> = async (context, _none, { open }) => {
  const { out, fleet } = context;
  if (!fleet) throw new AutopodError('usage', fleetText.noPage());
  const { code, until } = await clientFor(context).pageCode();
  const url = `${fleet.url}/#${code}`;
  if (out.isJson) out.json({ url, until });
  else out.line(url);
  out.say(fleetText.pageOnce());
  if (open) await openBrowser(context, url);
  return 0;
};
