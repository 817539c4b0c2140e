import type { NodeName } from './findings.ts';
import { asId, asIndex, asText, isObject, type JsonObject, type JsonValue } from './json.ts';

/** ComfyUI's API format: what POST /prompt takes as `prompt`. */
export type Prompt = Record<string, PromptNode>;

export interface PromptNode {
  class_type: string;
  inputs: JsonObject;
  _meta?: { title: string };
}

/** A value of an input that is a link: a node's id and the number of its output. */
export interface PromptLink {
  node: string;
  slot: number;
}

/** The prompt in `value`, if it is one; fields that the server does not read are left out. */
export function promptIn(value: JsonValue | undefined): Prompt | undefined {
  if (!isObject(value)) return undefined;
  const prompt: Prompt = {};
  for (const [id, node] of Object.entries(value)) {
    if (!isObject(node)) return undefined;
    const title = isObject(node._meta) ? asText(node._meta.title) : undefined;
    prompt[id] = {
      class_type: asText(node.class_type) ?? '',
      inputs: isObject(node.inputs) ? { ...node.inputs } : {},
      ...(title === undefined ? {} : { _meta: { title } }),
    };
  }
  return Object.values(prompt).some((node) => node.class_type !== '') ? prompt : undefined;
}

export function linkOf(value: JsonValue | undefined): PromptLink | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const node = asId(value[0]);
  const slot = typeof value[1] === 'number' ? asIndex(value[1]) : undefined;
  return node === undefined || slot === undefined ? undefined : { node, slot };
}

/** A list as a value: bare it would be read as a link. */
export function asInputValue(value: JsonValue): JsonValue {
  return Array.isArray(value) ? { __value__: value } : value;
}

/** The plain value behind `asInputValue`. */
export function plainValue(value: JsonValue): JsonValue {
  return isObject(value) && value.__value__ !== undefined ? value.__value__ : value;
}

export function nameOf(id: string, node: PromptNode): NodeName {
  return { node: id, title: node._meta?.title ?? node.class_type, class: node.class_type };
}
