import type { InputDefinition, NodeDefinition } from './definitions.ts';
import type { EditorNode } from './editor.ts';
import { asArray, isObject, type JsonValue } from './json.ts';
import {
  DYNAMIC_COMBO,
  defaultOf,
  inputsOfChoice,
  isWidget,
  places,
  placesOf,
  type WidgetPlace,
} from './widgets.ts';

/** A node's own values by input, in the editor's order, and how the editor would change them after a run. */
export interface OwnValues {
  values: Map<string, JsonValue>;
  controls: Map<string, string>;
  /** The inputs whose value was saved; the others have their default. */
  saved: Set<string>;
}

/** Names the values that a node saved: the editor writes them by position, some nodes by name. */
export function ownValues(node: EditorNode, definition: NodeDefinition): OwnValues {
  const saved = node.widgetsValues;
  if (isObject(saved)) return byName(saved, definition);
  return byPosition(withoutForced(asArray(saved), definition), definition);
}

function byPosition(saved: readonly JsonValue[], definition: NodeDefinition): OwnValues {
  const values = new Map<string, JsonValue>();
  const controls = new Map<string, string>();
  const named = new Set<string>();
  let at = 0;
  let lastInput: InputDefinition | undefined;
  for (const place of places(definition, (combo) => values.get(combo.name))) {
    if ('input' in place) {
      // A control that a class's own script added stands here without being in its definition.
      if (lastInput !== undefined && isControl(saved[at]) && isMisfit(place.input, saved[at])) at += 1;
      lastInput = place.input.type === 'INT' ? place.input : undefined;
      set(values, place.input, saved[at]);
      if (at < saved.length) named.add(place.input.name);
      at += 1;
    } else if (place.only === 'control') {
      const value = saved[at];
      if (lastInput !== undefined && typeof value === 'string') controls.set(lastInput.name, value);
      lastInput = undefined;
      at += 1;
    } else {
      at += 1;
    }
  }
  return { values, controls, saved: named };
}

function byName(saved: Record<string, JsonValue>, definition: NodeDefinition): OwnValues {
  const values = new Map<string, JsonValue>();
  const controls = new Map<string, string>();
  let lastInput: InputDefinition | undefined;
  for (const place of places(definition, (combo) => values.get(combo.name))) {
    if ('input' in place) {
      lastInput = place.input;
      set(values, place.input, saved[place.input.name]);
    } else if (place.only === 'control' && lastInput !== undefined) {
      const control = saved.control_after_generate;
      if (typeof control === 'string') controls.set(lastInput.name, control);
    }
  }
  return { values, controls, saved: new Set(Object.keys(saved)) };
}

function set(values: Map<string, JsonValue>, input: InputDefinition, saved: JsonValue | undefined): void {
  const value = saved === undefined ? defaultOf(input) : saved;
  if (value !== undefined) values.set(input.name, value);
}

/** Editors before 1.16 saved a value for `forceInput` inputs as well; such a list is told by its length. */
function withoutForced(saved: readonly JsonValue[], definition: NodeDefinition): readonly JsonValue[] {
  const isForced: boolean[] = [];
  for (const input of definition.inputs) {
    const asWidget = { ...input, options: { ...input.options, forceInput: false } };
    if (isWidget(input)) isForced.push(...countOf(input).map(() => false));
    else if (isWidget(asWidget)) isForced.push(...countOf(asWidget).map((_, nth) => nth === 0));
  }
  if (!isForced.includes(true) || isForced.length !== saved.length) return saved;
  return saved.filter((_, at) => !isForced[at]);
}

function countOf(input: InputDefinition): WidgetPlace[] {
  return [...placesOf(input, () => undefined)];
}

function isControl(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && CONTROLS.has(value);
}

function isMisfit(input: InputDefinition, value: JsonValue | undefined): boolean {
  if (input.type === 'COMBO') return input.choices !== undefined && !input.choices.includes(value ?? null);
  return input.type !== 'STRING';
}

const CONTROLS = new Set(['fixed', 'increment', 'decrement', 'randomize', 'increment-wrap']);

/** Every input a node has, those of its dynamic combos' choices among them. */
export function inputsGiven(
  definition: NodeDefinition,
  value: (name: string) => JsonValue | undefined,
): InputDefinition[] {
  const expand = (input: InputDefinition): InputDefinition[] =>
    input.type === DYNAMIC_COMBO
      ? [input, ...inputsOfChoice(input, value(input.name)).flatMap(expand)]
      : [input];
  return definition.inputs.flatMap(expand);
}
