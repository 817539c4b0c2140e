import { type Command, Option } from 'commander';
import { delayOrNever, durationMs, localPort } from '../arguments/options.ts';
import type { Verb } from '../verb.ts';

/** Joins a command to its lazily loaded verb. */
// biome-ignore lint/suspicious/noExplicitAny: a verb's options are what its command declares, which types cannot follow.
export type Runs = (load: () => Promise<Verb<any>>) => (...args: unknown[]) => Promise<void>;

export const POD = ['[pod]', 'pod id or name'] as const;

export function json(command: Command): Command {
  return command.option('--json', 'print one JSON value on stdout');
}

export function portOption(): Option {
  return new Option('--local-port <port>', 'port on this machine, or "auto" for the next free one').argParser(
    localPort,
  );
}

/** Options of every command that ends at a ComfyUI that answers. */
export function waiting(command: Command): Command {
  return command
    .addOption(
      new Option('--timeout <duration>', 'how long to wait').argParser(durationMs).default(1_800_000, '30m'),
    )
    .option('--no-tunnel', 'keep no tunnel')
    .addOption(portOption());
}

/** When the keeper stops the pod by itself. */
export function autoStop(command: Command): Command {
  return command
    .addOption(
      new Option('--stop-after <duration>', 'stop the pod when this is over, or "never"').argParser(
        delayOrNever,
      ),
    )
    .addOption(
      new Option(
        '--idle-stop <duration>',
        'stop the pod when nothing was asked of it for so long, or "never"',
      ).argParser(delayOrNever),
    );
}

export function examples(lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
