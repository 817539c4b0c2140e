/** The local date, as `2026-11-23`. */
export function dayOf(when: Date): string {
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

/** In two digits. */
export function two(number: number): string {
  return String(number).padStart(2, '0');
}
