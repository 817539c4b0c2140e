import { type JsonValue, parseJson, writeJson } from '../../workflow/index.ts';

/** The values of a JSON list as they would be typed for `--set`; undefined for a text that is none. */
export function plainList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value = parseJson(text);
    return Array.isArray(value) && value.length > 0 ? value.map(asTyped) : undefined;
  } catch {
    return undefined;
  }
}

/** A JSON value as it would be typed for `--set`: a text bare, all else as JSON. */
export function asTyped(value: JsonValue): string {
  return typeof value === 'string' ? value : writeJson(value);
}
