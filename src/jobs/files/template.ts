/** What `{…}` may stand in a template of file names. `n` and `index` count from 1. */
export const PLACEHOLDERS = [
  'date',
  'time',
  'job',
  'name',
  'node',
  'title',
  'n',
  'index',
  'seed',
  'ext',
  'filename',
] as const;

/** Throws `nameTemplateInvalid` for a template that cannot name files within a folder. */
export function checkTemplate(_template: string): void {
  throw new Error('to come');
}
