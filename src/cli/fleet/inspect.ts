import { joined } from '../../inspector/joined.ts';
import { type InspectOptions, showInspector } from '../commands/inspect.ts';
import { watchTunnels } from '../inspecting/watching.ts';
import type { Verb } from '../verb.ts';
import { looksOf } from './looks.ts';
import { clientFor } from './way.ts';

/** Serves the inspector on this machine: the fleet's machines as its server sees them, and the tunnels from here. */
export const inspect: Verb<InspectOptions> = async (context, named, options) => {
  const subject = named === undefined ? '' : `#pod/${await launchOf(context, named)}`;
  return showInspector(context, joined(looksOf(context), await watchTunnels(context)), subject, options);
};

async function launchOf(context: Parameters<typeof clientFor>[0], named: string): Promise<string> {
  const client = clientFor(context);
  const ofPast = async () => (await client.history(named, 1)).at(-1)?.id;
  return client.info(named).then(
    ({ launchId }) => launchId,
    async (error: unknown) => {
      const past = await ofPast();
      if (past === undefined) throw error;
      return past;
    },
  );
}
