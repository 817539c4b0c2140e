import type { Command } from 'commander';
import { AutopodError } from '../../errors.ts';

/** Arguments for which an empty one means something. */
const MAY_BE_EMPTY = ['value'];

/** Throws `usage` for an argument or option that was given and is empty, as from a shell variable that is not set. */
export function requireValues(command: Command): void {
  const options = command.opts<Record<string, unknown>>();
  const empty =
    command.registeredArguments.find(
      (argument, index) => command.args[index]?.trim() === '' && !MAY_BE_EMPTY.includes(argument.name()),
    ) ??
    command.options.find((option) =>
      [options[option.attributeName()]]
        .flat()
        .some((value) => typeof value === 'string' && value.trim() === ''),
    );
  if (!empty) return;
  const name = 'long' in empty ? empty.long : `The ${empty.name()}`;
  throw new AutopodError('usage', {
    message: `${name} is empty.`,
    next: 'Leave it out, or give it a value; a shell variable that is not set is empty.',
  });
}
