import type { JobInput } from '../machines/job-types.ts';
import { isObject, type JsonObject, type JsonValue, parseJson, writeJson } from '../workflow/json.ts';
import { asInputValue } from '../workflow/prompt.ts';

/** A prompt with the names that ComfyUI gave to the files it takes in. What has none is left as it is, digit by digit. */
export function withNames(text: string, inputs: JobInput[], names: string[]): string {
  if (inputs.length === 0) return text;
  const prompt = parseJson(text);
  inputs.forEach(({ targets }, index) => {
    for (const { nodeId, input } of targets) {
      const fields = fieldsOf(prompt, nodeId);
      if (fields) fields[input] = asInputValue(names[index] ?? '');
    }
  });
  return writeJson(prompt);
}

export function nodeCount(text: string): number {
  const prompt = parseJson(text);
  return isObject(prompt) ? Object.keys(prompt).length : 0;
}

function fieldsOf(prompt: JsonValue, nodeId: string): JsonObject | undefined {
  const node = isObject(prompt) ? prompt[nodeId] : undefined;
  return isObject(node) && isObject(node.inputs) ? node.inputs : undefined;
}
