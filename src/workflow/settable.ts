import { knownInputs } from './change.ts';
import type { Definitions } from './definitions.ts';
import type { NodeName } from './findings.ts';
import { asText, type JsonValue } from './json.ts';
import { linkOf, nameOf, type Prompt, plainValue } from './prompt.ts';
import { choicesOf, rangeOf } from './ranges.ts';
import { defaultOf, isUpload, isWidget, widgetType } from './widgets.ts';

/** An input whose value can be set, with all that the server says of it. */
export interface Settable extends NodeName {
  input: string;
  type: string;
  value: JsonValue | undefined;
  default: JsonValue | undefined;
  min: number | bigint | undefined;
  max: number | bigint | undefined;
  step: JsonValue | undefined;
  choices: JsonValue[] | undefined;
  /** Whether the value names a file that is uploaded. */
  isFile: boolean;
  description: string | undefined;
}

/** Everything in a prompt that `NODE.INPUT=VALUE` can set, in the order of its nodes. */
export function settables(prompt: Prompt, definitions: Definitions): Settable[] {
  return Object.entries(prompt).flatMap(([id, node]) =>
    (knownInputs(node, definitions) ?? []).flatMap((input) => {
      const given = node.inputs[input.name];
      if (!isWidget(input) || linkOf(given) !== undefined) return [];
      return [
        {
          ...nameOf(id, node),
          input: input.name,
          type: widgetType(input),
          value: given === undefined ? undefined : plainValue(given),
          default: defaultOf(input),
          ...rangeOf(input),
          step: input.options.step,
          choices: choicesOf(input),
          isFile: isUpload(input) || input.options.audio_upload === true,
          description: asText(input.options.tooltip),
        },
      ];
    }),
  );
}
