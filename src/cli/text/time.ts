/** How times of day are written here: as the locale has it, with 24 or 12 hours. */
const LOCALE = localeOf(process.env);
type Grain = 'minute' | 'second';
/** Made when first needed: that takes as long as all of a short command. */
const FORMATS = new Map<Grain, Intl.DateTimeFormat>();

/** The locale of times in an environment; what has none, as POSIX has it, counts 24 hours. */
export function localeOf({ LC_ALL, LC_TIME, LANG }: NodeJS.ProcessEnv): string {
  const [name = ''] = (LC_ALL || LC_TIME || LANG || '').split(/[.@]/);
  return name === '' || name === 'C' || name === 'POSIX' ? 'en-GB' : name.replaceAll('_', '-');
}

/** The local date, as `2026-11-23`. */
export function dayOf(when: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

/** The local time of day, to the minute or the second. */
export function timeOf(when: Date, to: Grain = 'minute', locale = LOCALE): string {
  const known = locale === LOCALE ? FORMATS.get(to) : undefined;
  const format = known ?? formatFor(locale, to === 'second' ? { second: '2-digit' } : {});
  if (locale === LOCALE) FORMATS.set(to, format);
  // Some locales set a narrow space before what terminals of few letters show.
  return format.format(when).replaceAll('\u202f', ' ');
}

/** The same, with the date where that is not today's. */
export function momentOf(when: Date, now = new Date()): string {
  const time = timeOf(when);
  return when.toDateString() === now.toDateString() ? time : `${time} on ${dayOf(when)}`;
}

/** Words in which times stand as RFC 3339, with them as they are written here. */
export function withLocalTimes(words: string, now = new Date()): string {
  return words.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (at) => momentOf(new Date(at), now));
}

function formatFor(locale: string, more: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...more };
  try {
    return new Intl.DateTimeFormat(locale, options);
  } catch {
    return new Intl.DateTimeFormat('en-GB', options); // a name of a locale that is none
  }
}
