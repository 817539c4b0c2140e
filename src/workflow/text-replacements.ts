import type { Place } from './graph.ts';
import type { JsonValue } from './json.ts';

/** Whether the class is one whose file names the editor fills in: `%date:…%`, `%Node.widget%`. */
export function savesFiles(type: string): boolean {
  return SAVING.has(type);
}

/** Puts dates and other nodes' values into a file name; what fits nothing stays as it is. */
export function replaceInText(
  text: string,
  places: readonly Place[],
  widgetValue: (place: Place, widget: string) => JsonValue | undefined,
  now: Date,
): string {
  return text.replace(/%([^%]+)%/g, (whole, inner: string) => {
    const parts = inner.split('.');
    if (parts.length !== 2) return inner.startsWith('date:') ? formatDate(inner.slice(5), now) : whole;
    const [name, widget] = parts as [string, string];
    const place =
      places.find((each) => each.node.properties['Node name for S&R'] === name) ??
      places.find((each) => (each.node.title ?? each.node.type) === name);
    const value = place === undefined ? undefined : widgetValue(place, widget);
    if (value === undefined) return whole;
    return String(value ?? '').replaceAll(UNSAFE, '_');
  });
}

function formatDate(format: string, now: Date): string {
  const parts: Record<string, number> = {
    d: now.getDate(),
    M: now.getMonth() + 1,
    h: now.getHours(),
    m: now.getMinutes(),
    s: now.getSeconds(),
  };
  return format.replace(/dd?|MM?|hh?|mm?|ss?|yyyy|yy/g, (token) => {
    if (token === 'yyyy') return String(now.getFullYear());
    if (token === 'yy') return String(now.getFullYear()).slice(-2);
    return String(parts[token[0] ?? ''] ?? '').padStart(token.length, '0');
  });
}

const SAVING = new Set([
  ...['SaveImage', 'SaveImageAdvanced', 'SaveSVGNode', 'SaveVideo', 'SaveAnimatedWEBP', 'SaveAnimatedPNG'],
  ...['SaveWEBM', 'SaveAudio', 'SaveAudioMP3', 'SaveAudioOpus', 'SaveAudioAdvanced', 'SaveGLB'],
  ...['CLIPSave', 'VAESave', 'ModelSave', 'LoraSave', 'SaveLatent'],
]);

/** What a file name cannot have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const UNSAFE = /[/?<>\\:*|"\x00-\x1F\x7F]/g;
