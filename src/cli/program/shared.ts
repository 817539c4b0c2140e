import { type Command, Option } from 'commander';
import { delayOrNever, durationMs, localPort, price, wholeNumber } from '../arguments/options.ts';
import type { Verb } from '../verb.ts';

/** Joins a command to its lazily loaded verb. */
// biome-ignore lint/suspicious/noExplicitAny: a verb's options are what its command declares, which types cannot follow.
export type Runs = (load: () => Promise<Verb<any>>) => (...args: unknown[]) => Promise<void>;

export const POD = ['[pod]', 'pod id or name (default: the only one there is)'] as const;

export function json(command: Command): Command {
  return command.option('--json', 'print one JSON value on stdout');
}

export function portOption(
  what = 'port on this machine, or "auto" for the next free one (default: the one it had, or 8188)',
): Option {
  return new Option('--local-port <port>', what).argParser(localPort);
}

/** When a command gives up, whatever it waits for; the deadline begins with the command. */
export function timeout(command: Command, minutes: number, what = 'how long to wait'): Command {
  const option = new Option('--timeout <duration>', what).argParser(durationMs);
  return command.addOption(option.default(minutes * 60_000, `${minutes}m`));
}

/** Minutes a command has that asks RunPod or the keeper and shows what they say. */
export const ASKING_MINUTES = 2;

/** Options of every command that ends at a ComfyUI that answers. */
export function waiting(command: Command): Command {
  return timeout(command, 30).option('--no-tunnel', 'keep no tunnel this time').addOption(portOption());
}

/** What is done without asking where a pod's host cannot run it. */
export function replacing(command: Command): Command {
  return command
    .option(
      '--replace',
      'on a full host, make another pod on the same volume, and end this one when that is ready',
    )
    .option('--replace-broken', 'end a pod that can never work, and try the next candidate');
}

/** What the account may run and cost, this once; and going on in spite of it. */
export function limiting(command: Command): Command {
  const usd = (flags: string, what: string) => new Option(flags, what).argParser(price);
  return command
    .option('--max-pods <n>', 'refuse when more pods than that would run', wholeNumber(1))
    .addOption(usd('--max-per-hour <usd>', 'refuse when all pods together would cost more an hour'))
    .addOption(usd('--max-per-day <usd>', 'refuse when this day (UTC) could cost more in all'))
    .addOption(usd('--max-per-launch <usd>', 'stop the pod when it has cost that since its start'))
    .option('--over-limit', 'go on this once whatever the limits say');
}

/** When the pod is stopped by itself: by the keeper, and by the guard in the pod. */
export function autoStop(command: Command): Command {
  command
    .addOption(
      new Option(
        '--stop-after <duration>',
        'stop the pod when this is over, or "never" (default: never)',
      ).argParser(delayOrNever),
    )
    .addOption(
      new Option(
        '--idle-stop <duration>',
        'stop the pod when nothing was asked of it for so long, or "never" (default: never)',
      ).argParser(delayOrNever),
    )
    .addOption(
      new Option(
        '--if-alone <duration>',
        'have the pod stop itself when it has not heard of this machine for so long and has nothing to do, or "never"',
      ).argParser(delayOrNever),
    );
  // What `run` does when it is done has that name there.
  if (command.name() !== 'run')
    command.addOption(
      new Option('--then <action>', 'what to do then; kill ends the pod for good').choices(['stop', 'kill']),
    );
  return command;
}

export function examples(lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
