import type { Verb } from '../verb.ts';

/** Serves a RunPod of one's own on loopback until it is ended. */
export const sim: Verb<{ port?: number; scenario?: string; apiKey: string }> = async (
  _context,
  _named,
  options,
) => {
  const { runSim } = await import('../../../sim/main.ts');
  return runSim(options);
};
