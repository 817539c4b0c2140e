import { execa } from 'execa';
import { sessionArguments, sshEnvironment } from '../services/ssh/args.ts';

/** One boot of a pod, and a way to run something there. */
export interface PodShell {
  bootId: string;
  /** What the command said; undefined where it did not get there, or did not end in time. */
  run(command: string, script: string): Promise<string | undefined>;
}

/** Milliseconds a script has in the pod. */
const PATIENCE_MS = 60_000;

/** A session over a running master: the script goes to the command's standard input. */
export function shellThrough(control: string, bootId: string): PodShell {
  return {
    bootId,
    async run(command, script) {
      const { stdout, failed } = await execa('ssh', sessionArguments(control, command), {
        reject: false,
        input: script,
        timeout: PATIENCE_MS,
        killSignal: 'SIGKILL',
        extendEnv: false,
        env: sshEnvironment(process.env),
      });
      return failed ? undefined : stdout;
    },
  };
}
