import type { Outcome } from '../../lifecycle/drive.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import { throwFailure } from './reach.ts';

/** Tells that a pod is ready, why it is not, or that another command wanted something else meanwhile. The answer is the exit code. */
export async function finishReady(
  context: Context,
  outcome: Outcome,
  options: { jsonStream?: boolean },
): Promise<number> {
  await throwFailure(context, outcome);
  const { out } = context;
  const { state, facts } = outcome;
  const podId = facts?.podId ?? '';
  if (state !== 'ready') {
    out.say(text.changedByOther(state));
    if (out.isJson) out.json({ podId, state });
    return 1;
  }
  const tunnels = await (await context.keeper()).tunnels(context.signal);
  const tunnel = tunnels.find((view) => view.podId === podId && !view.isTemporary);
  const { proof = null, watchedBy = null } = tunnel ?? {};
  const localPort = facts?.localPort ?? tunnel?.localPort;
  const url = localPort ? `http://localhost:${localPort}` : null;
  const result = { podId, state, url, proof, watchedBy };
  if (options.jsonStream) out.jsonLine(result);
  else if (out.isJson) out.json(result);
  else out.line(localPort ? text.available(localPort) : text.readyWithoutTunnel(podId));
  return 0;
}
