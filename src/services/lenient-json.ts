/**
 * JSON as Python writes it: the bare words NaN, Infinity and -Infinity, which ComfyUI lets stand in its answers, are read
 * as null. Throws `SyntaxError` for anything else that is no JSON.
 */
export function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replaceAll(STRING_OR_WORD, (part) => (part.startsWith('"') ? part : 'null')));
  }
}

/** The same; undefined for what is no JSON. */
export function lenientJson(text: string): unknown {
  try {
    return parseLenient(text);
  } catch {
    return undefined;
  }
}

const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;
