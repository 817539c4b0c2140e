import { readFileSync } from 'node:fs';
import { convertWorkflow } from '../../src/workflow/convert.ts';
import { type Definitions, readDefinitions } from '../../src/workflow/definitions.ts';
import { asObject, type JsonObject, parseJson } from '../../src/workflow/json.ts';

export const FIXTURES = new URL('./fixtures/', import.meta.url);

export function fixture(path: string): JsonObject {
  return asObject(parseJson(readFileSync(new URL(path, FIXTURES), 'utf8')));
}

/** A real server's classes, without models. */
export const DEFINITIONS: Definitions = readDefinitions(fixture('object_info-0.3.64.json'));

/** Nothing drawn: noon of a day, and always the first choice. */
export const DRAWN = { now: new Date(2026, 0, 2, 12, 3, 4), random: () => 0 };

export function convert(workflow: JsonObject, definitions = DEFINITIONS) {
  return convertWorkflow(workflow, definitions, DRAWN);
}
