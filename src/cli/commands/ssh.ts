import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import { shellArguments, sshEnvironment } from '../../services/ssh/args.ts';
import { choosePod } from '../pod-argument.ts';
import type { Verb } from '../verb.ts';

/** A shell on the pod, or one command. The exit code is ssh's. */
export const ssh: Verb<{ command?: string }> = async (context, named, { command }) => {
  const { podId } = await choosePod(context, named);
  const seen = observePod(await (await context.runpod()).getPod(podId, context.signal));
  if (seen.condition !== 'running' || !seen.ssh) throw new AutopodError('podNotRunning', { podId });
  const key = await context.privateKey();
  const args = shellArguments(
    {
      ...seen.ssh,
      podId,
      bootId: seen.bootId,
      keyPath: key.path,
      needsAgent: key.needsAgent,
      knownHostsPath: join(context.home().knownHosts, podId),
    },
    command,
  );
  const child = spawn('ssh', args, { stdio: 'inherit', env: sshEnvironment(context.env) });
  const [code] = await once(child, 'close');
  return code ?? 1;
};
