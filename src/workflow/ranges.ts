import type { InputDefinition } from './definitions.ts';
import type { JsonValue } from './json.ts';
import { asArray, asObject } from './json.ts';
import { DYNAMIC_COMBO, isUpload, widgetType } from './widgets.ts';

type Numeric = number | bigint;

/** What is wrong with a value for an input, or undefined when the server would take it. */
export type ValueFault =
  | { kind: 'valueMistyped'; wanted: string; value: JsonValue }
  | { kind: 'outOfRange'; value: Numeric; min: Numeric | undefined; max: Numeric | undefined }
  | { kind: 'notAChoice'; value: JsonValue; choices: JsonValue[] };

export function valueFault(input: InputDefinition, value: JsonValue): ValueFault | undefined {
  const type = widgetType(input);
  switch (type) {
    case 'INT':
      return isInteger(value) ? rangeFault(input, value) : { kind: 'valueMistyped', wanted: type, value };
    case 'FLOAT':
      return isNumeric(value) ? rangeFault(input, value) : { kind: 'valueMistyped', wanted: type, value };
    case 'BOOLEAN':
      return typeof value === 'boolean' ? undefined : { kind: 'valueMistyped', wanted: type, value };
    case 'STRING':
      return typeof value === 'string' ? undefined : { kind: 'valueMistyped', wanted: type, value };
    case 'COMBO':
    case DYNAMIC_COMBO:
      return choiceFault(input, value);
    default:
      return undefined;
  }
}

/** A combo's choices; undefined where the server keeps them elsewhere (`remote`) or finds them in a folder. */
export function choicesOf(input: InputDefinition): JsonValue[] | undefined {
  if (input.type === DYNAMIC_COMBO) {
    return asArray(input.options.options).map((option) => asObject(option).key ?? null);
  }
  if (input.type !== 'COMBO' || input.options.remote !== undefined) return undefined;
  return input.choices;
}

export function rangeOf(input: InputDefinition): { min: Numeric | undefined; max: Numeric | undefined } {
  const bound = (which: 'min' | 'max'): Numeric | undefined => {
    const value = input.options[which];
    return isNumeric(value) ? value : undefined;
  };
  return { min: bound('min'), max: bound('max') };
}

export function isNumeric(value: JsonValue | undefined): value is Numeric {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
}

export function isInteger(value: JsonValue | undefined): value is Numeric {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

function rangeFault(input: InputDefinition, value: Numeric): ValueFault | undefined {
  const { min, max } = rangeOf(input);
  const isBelow = min !== undefined && value < min;
  const isAbove = max !== undefined && value > max;
  return isBelow || isAbove ? { kind: 'outOfRange', value, min, max } : undefined;
}

function choiceFault(input: InputDefinition, value: JsonValue): ValueFault | undefined {
  const choices = choicesOf(input);
  // The server finds uploads in its input folder, also those of subfolders and other folders ("x [output]").
  const isElsewhere = isUpload(input) && typeof value === 'string' && /[/\\]|\[\w+\]\s*$/.test(value);
  if (choices === undefined || isElsewhere) return undefined;
  const all = Array.isArray(value) ? value : [value];
  return all.every((each) => choices.includes(each)) ? undefined : { kind: 'notAChoice', value, choices };
}
