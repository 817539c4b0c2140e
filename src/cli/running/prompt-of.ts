import { randomInt } from 'node:crypto';
import {
  type ConversionFinding,
  convertWorkflow,
  type Definitions,
  type JsonObject,
  type ModelSource,
  modelSources,
  type Prompt,
  writeJson,
} from '../../workflow/index.ts';
import type { WorkflowFile } from './workflow-file.ts';

/** What a file means to one server. */
export interface ServerPrompt {
  prompt: Prompt;
  /** What of the editor's format could not be turned; empty for the API format. */
  findings: ConversionFinding[];
  sources: ModelSource[];
  /** The editor's workflow as JSON, for what is made to carry; null where the file has none. */
  canvas: string | null;
}

/** The API format of a file; where it holds what ran as well as the canvas, what ran counts. */
export function promptOf({ prompt, workflow }: WorkflowFile, definitions: Definitions): ServerPrompt {
  const canvas = workflow === undefined ? null : writeJson(workflow);
  const sources = workflow === undefined ? [] : modelSources(workflow);
  if (prompt !== undefined || workflow === undefined) {
    return { prompt: prompt ?? {}, findings: [], sources, canvas };
  }
  const drawn = { now: new Date(), random: () => randomInt(2 ** 47) / 2 ** 47 };
  const converted = convertWorkflow(workflow, definitions, drawn);
  return { ...converted, sources, canvas };
}

/** A prompt as JSON, its numbers with every digit. */
export function promptText(prompt: Prompt, indent?: number): string {
  return writeJson(prompt as unknown as JsonObject, indent);
}
