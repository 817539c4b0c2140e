import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const path = join(import.meta.dirname, '..', '..', 'docs', 'json.md');
const BLOCK = /```json (.+)\n([\s\S]*?)\n```/g;

/** The examples of docs/json.md, each with the command that prints its like. */
export function jsonExamples(): { command: string; example: string }[] {
  const doc = readFileSync(path, 'utf8');
  return [...doc.matchAll(BLOCK)].map(([, command = '', example = '']) => ({ command, example }));
}

/** Where UPDATE_JSON_EXAMPLES is set: those that were seen, in the place of what stands there. */
export function writeExamplesAnew(seen: ReadonlyMap<string, string>): void {
  if (!process.env.UPDATE_JSON_EXAMPLES) return;
  const doc = readFileSync(path, 'utf8');
  const anew = (block: string, command: string) =>
    seen.has(command) ? `\`\`\`json ${command}\n${seen.get(command)}\n\`\`\`` : block;
  writeFileSync(path, doc.replace(BLOCK, anew));
}

/** What a command has printed, of lists the first element. */
export function exampleOf(stdout: string): string {
  return JSON.stringify(shortened(JSON.parse(stdout)), null, 2);
}

/** A field that comes and goes is named in the text, not in the example. */
const OPTIONAL = /^(lastActivityAt|lastHealedAt|lastDeath|failure|reason|fix|detail|system|requests?)$/;

/** The names of all fields, as paths; of a list those of its elements. */
export function fieldsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => fieldsOf(one, `${at}[]`)))].toSorted();
  if (typeof value !== 'object' || value === null) return [];
  const fields = Object.entries(value).filter(([name]) => !OPTIONAL.test(name));
  return [
    ...new Set(fields.flatMap(([name, inner]) => [`${at}.${name}`, ...fieldsOf(inner, `${at}.${name}`)])),
  ].toSorted();
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
}
