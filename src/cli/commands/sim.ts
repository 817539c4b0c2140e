import { AutopodError } from '../../errors.ts';
import { portHolder } from '../../keeper/port-holder.ts';
import type { Verb } from '../verb.ts';

interface SimOptions {
  port?: number;
  scenario?: string;
  apiKey: string;
}

/** Serves a RunPod of one's own on loopback until it is ended. */
export const sim: Verb<SimOptions> = async (_context, _named, options) => {
  const { runSim } = await import('../../../sim/main.ts');
  try {
    return await runSim(options);
  } catch (error) {
    const { name, message, syscall, code } = error as NodeJS.ErrnoException;
    if (name === 'ScenarioError') {
      throw new AutopodError('usage', {
        message: `--scenario: ${message}.`,
        next: 'docs/guides/simulator.md lists the keys and what they do.',
      });
    }
    if (syscall !== 'listen' || code !== 'EADDRINUSE') throw error;
    const port = options.port ?? 0;
    throw new AutopodError('localPortTaken', { port, option: '--port', ...portHolder(port) });
  }
};
