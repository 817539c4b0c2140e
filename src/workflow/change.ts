import { type Answer, findNode } from './address.ts';
import type { Definitions, InputDefinition } from './definitions.ts';
import type { NodeName } from './findings.ts';
import { type JsonValue, parseJson } from './json.ts';
import { asInputValue, linkOf, nameOf, type Prompt, type PromptNode } from './prompt.ts';
import { choicesOf, valueFault } from './ranges.ts';
import { inputsGiven } from './values.ts';
import { isUpload, isWidget, widgetType } from './widgets.ts';

/** One input of one node, with what the server knows of it. */
export interface Target {
  id: string;
  name: NodeName;
  input: string;
  /** Undefined for a class the server does not know. */
  definition: InputDefinition | undefined;
}

/** The input that NODE and INPUT mean, if its value can be set. */
export function findTarget(
  asked: { node: string; input: string },
  prompt: Prompt,
  definitions: Definitions,
): Answer<Target> {
  const found = findNode(asked.node, prompt);
  if ('finding' in found) return found;
  const id = found.ok;
  const node = prompt[id] as PromptNode;
  const name = nameOf(id, node);
  const { input } = asked;
  const inputs = knownInputs(node, definitions);
  const definition = inputs?.find((each) => each.name === input);
  const isThere = Object.hasOwn(node.inputs, input);
  if (definition === undefined && (inputs !== undefined || !isThere)) {
    const settable = inputs?.filter(isWidget).map((each) => each.name) ?? Object.keys(node.inputs);
    return { finding: { kind: 'inputNotFound', ...name, input, inputs: settable } };
  }
  const link = linkOf(node.inputs[input]);
  if (link !== undefined) {
    const source = prompt[link.node];
    const from = source === undefined ? { node: link.node, title: '', class: '' } : nameOf(link.node, source);
    return { finding: { kind: 'inputLinked', ...name, input, from } };
  }
  if (definition !== undefined && !isWidget(definition)) {
    return { finding: { kind: 'inputNotSettable', ...name, input, type: definition.type } };
  }
  return { ok: { id, name, input, definition } };
}

/**
 * A VALUE as it was typed, read for its input: JSON, or for texts and choices the bare text. Choices that
 * are files on the server are not checked here: they may be uploaded or loaded yet.
 */
export function readValue(text: string, target: Target): Answer<JsonValue> {
  const { name, input, definition } = target;
  const value = interpret(text, definition);
  const fault = definition === undefined ? undefined : valueFault(definition, value);
  if (fault === undefined || definition === undefined) return { ok: value };
  const isFile = isUpload(definition) || definition.options.audio_upload === true;
  if (fault.kind === 'notAChoice' && (isFile || (fault.choices.length === 0 && typeof value === 'string'))) {
    return { ok: value };
  }
  return { finding: { ...name, input, ...fault } };
}

/** The prompt with one value changed; the given prompt stays as it is. */
export function withValue(prompt: Prompt, id: string, input: string, value: JsonValue): Prompt {
  const node = prompt[id];
  if (node === undefined) return prompt;
  return { ...prompt, [id]: { ...node, inputs: { ...node.inputs, [input]: asInputValue(value) } } };
}

export function knownInputs(node: PromptNode, definitions: Definitions): InputDefinition[] | undefined {
  const definition = definitions.get(node.class_type);
  return definition && inputsGiven(definition, (each) => node.inputs[each]);
}

function interpret(text: string, definition: InputDefinition | undefined): JsonValue {
  const value = asJson(text);
  if (definition === undefined) return value ?? text;
  switch (widgetType(definition)) {
    case 'STRING':
    case 'MARKDOWN':
    case 'TEXTAREA':
    case 'COLOR':
      return typeof value === 'string' ? value : text;
    case 'COMBO': {
      const choices = choicesOf(definition);
      if (choices?.includes(text) || value === undefined) return text;
      return choices?.includes(value) || typeof value === 'string' || Array.isArray(value) ? value : text;
    }
    default:
      return value ?? text;
  }
}

function asJson(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
