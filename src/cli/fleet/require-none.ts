import { AutopodError } from '../../errors.ts';

/** Throws `usage` for an option of this command that a fleet does not take, rather than leave it out. */
export function requireNone(options: Record<string, unknown>, names: Record<string, string>): void {
  for (const [name, flag] of Object.entries(names)) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new AutopodError('usage', {
      message: `${flag} is not for the pods of a fleet.`,
      next: 'Leave it out, or use --fleet none for the pods of this machine.',
    });
  }
}
