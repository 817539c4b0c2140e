import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import type { LaunchView } from '../../fleet/wire.ts';
import type { Context } from '../context.ts';
import { showProgress } from '../views/progress.ts';
import { clientFor } from './way.ts';

/** Milliseconds between two questions how a launch stands. */
const POLL_MS = 700;

const RESTING = ['ready', 'stopped', 'terminated', 'failed'];

/**
 * Shows a launch's progress until it rests. It goes on without us: an interruption only ends the watching, and a gateway
 * that is away for a while is waited for. Throws what the launch failed with, and `timedOut`.
 */
export async function follow(
  context: Context,
  begun: LaunchView,
  { hasVolume = false, jsonStream = false } = {},
): Promise<LaunchView> {
  const { out, signal, deadline } = context;
  const client = clientFor(context);
  const progress = showProgress(out, new Map());
  let view = begun;
  let told = '';
  try {
    for (;;) {
      if (view.state !== told) {
        told = view.state;
        progress.onState(view.state, hasVolume);
        if (jsonStream) out.jsonLine({ at: new Date().toISOString(), podId: view.podId, state: view.state });
      }
      if (RESTING.includes(view.state)) break;
      deadline.throwIfOver();
      await sleep(POLL_MS, undefined, { signal });
      view = await client.launch(view.launchId).catch((error: unknown) => {
        if (error instanceof AutopodError && error.code === 'fleetUnreachable') return view;
        throw error;
      });
    }
  } finally {
    progress.end();
  }
  // A pod that is gone is what a kill is for.
  const { failure, state } = view;
  if (failure && state !== 'terminated') throw new AutopodError(failure.code, failure.detail);
  return view;
}
