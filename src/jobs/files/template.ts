import { AutopodError } from '../../errors.ts';

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

export type Placeholder = (typeof PLACEHOLDERS)[number];

const BRACES = /\{([^{}]*)\}/g;

/** Throws `nameTemplateInvalid` for a template that cannot name files within a folder. */
export function checkTemplate(template: string): void {
  const refuse = (detail: { placeholder: string } | { reason: string }) => {
    throw new AutopodError('nameTemplateInvalid', { template, known: [...PLACEHOLDERS], ...detail });
  };
  for (const [, placeholder = ''] of template.matchAll(BRACES)) {
    if (!isPlaceholder(placeholder)) refuse({ placeholder });
  }
  const literal = template.replaceAll(BRACES, '');
  if (/[{}]/.test(literal)) refuse({ reason: 'a brace in it has no other half' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(template)) refuse({ reason: 'there is a control character in it' });
  const folders = template.split(/[\\/]/);
  if (/^[\\/]|^[a-z]:/i.test(template)) refuse({ reason: 'it is no path within --out' });
  if (folders.some((folder) => folder === '..')) refuse({ reason: 'it leads out of --out' });
  if (folders.at(-1)?.trim() === '') refuse({ reason: 'it names a folder and no file' });
}

/** Puts values in, each as one part of a name; `/` of the template's own makes folders. */
export function fillTemplate(template: string, values: Record<Placeholder, string>): string[] {
  return template
    .split(/[\\/]/)
    .map((part) =>
      part.replaceAll(BRACES, (braces, name: string) => (isPlaceholder(name) ? values[name] : braces)),
    );
}

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}
