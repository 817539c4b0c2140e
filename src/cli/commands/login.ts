import { AutopodError, toFailure } from '../../errors.ts';
import { fleetLogin, forgetFleetLogin, keepFleetLogin } from '../../store/fleet-login.ts';
import { fleetUrl } from '../arguments/fleet.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import type { Verb } from '../verb.ts';

/** Logs in to a fleet with an invitation, and gives it this machine's public key for its pods. */
export const login: Verb<object> = async (context, line = '') => {
  const { out, signal } = context;
  const { url, invite } = invitationIn(line);
  const publicKey = await ownPublicKey(context);
  const { logIn } = await import('../fleet/client.ts');
  const { token, name, role } = await logIn(url, { invite, publicKey }, signal);
  await keepFleetLogin(context.home().root, { url, token, name });
  if (out.isJson) out.json({ url, name, role, hasKey: publicKey !== null });
  else out.line(fleetText.loggedIn(name, role, url));
  if (publicKey === null) out.say(fleetText.loggedInWithoutKey(), 'bad');
  return 0;
};

export const logout: Verb<object> = async (context) => {
  const { out } = context;
  const { root } = context.home();
  const known = await fleetLogin(root);
  await forgetFleetLogin(root);
  if (out.isJson) out.json({ url: known?.url ?? null });
  else out.line(known ? fleetText.loggedOut(known.url) : fleetText.notLoggedIn());
  return 0;
};

function invitationIn(line: string): { url: string; invite: string } {
  const [address = '', invite = ''] = line.split('#');
  if (!/^[\w-]{20,100}$/.test(invite)) {
    throw new AutopodError('usage', {
      message: 'That is no invitation: it is an address, a # and a long word.',
      next: 'Paste the whole line that `autopod serve invite` has printed.',
    });
  }
  try {
    return { url: fleetUrl(address), invite };
  } catch (error) {
    throw new AutopodError('usage', { message: `“${address}”: ${(error as Error).message}` });
  }
}

/** Null where ssh has no key here that it could use; who only looks needs none. */
async function ownPublicKey(context: Context): Promise<string | null> {
  return context.privateKey().then(
    ({ publicKey }) => publicKey,
    (error: unknown) => {
      const { code } = toFailure(error);
      if (code === 'sshKeyMissing' || code === 'sshMissing') return null;
      throw error;
    },
  );
}
