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

/**
 * Commander gives an option of the command above (`serve` of `serve storage`) to that one, wherever it stands: takes over
 * those that the command has as well. Throws `usage` for another, which nobody would heed.
 */
export function requireOwnOptions(command: Command, program: Command): void {
  const { parent } = command;
  if (!parent || parent === program) return;
  for (const option of parent.options) {
    const name = option.attributeName();
    if (parent.getOptionValueSource(name) !== 'cli') continue;
    const isOwn = command.options.some((own) => own.attributeName() === name);
    if (isOwn) command.setOptionValueWithSource(name, parent.getOptionValue(name), 'cli');
    else
      throw new AutopodError('usage', {
        message: `${option.long} is an option of autopod ${parent.name()}, not of autopod ${parent.name()} ${command.name()}.`,
        command: `${parent.name()} ${command.name()}`,
      });
  }
}
