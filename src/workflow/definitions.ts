import { asArray, asObject, asText, isObject, type JsonObject, type JsonValue } from './json.ts';

/** The server's node classes by name, read from /object_info. */
export type Definitions = ReadonlyMap<string, NodeDefinition>;

export interface NodeDefinition {
  name: string;
  title: string;
  /** In the order in which the editor lays them out: required, then optional. */
  inputs: InputDefinition[];
  outputs: string[];
  isOutput: boolean;
}

export interface InputDefinition {
  name: string;
  /** A combo is COMBO, whichever way it is written. */
  type: string;
  isRequired: boolean;
  choices?: JsonValue[];
  options: JsonObject;
}

/** Reads the whole answer of /object_info; what is not a node definition in it is passed over. */
export function readDefinitions(objectInfo: JsonValue): Definitions {
  const definitions = new Map<string, NodeDefinition>();
  for (const [name, entry] of Object.entries(asObject(objectInfo))) {
    if (!isObject(entry) || !isObject(entry.input)) continue;
    definitions.set(name, {
      name,
      title: asText(entry.display_name) || name,
      inputs: [...section(entry, 'required'), ...section(entry, 'optional')],
      outputs: asArray(entry.output).map((type) => (typeof type === 'string' ? type : 'COMBO')),
      isOutput: entry.output_node === true,
    });
  }
  return definitions;
}

/** One input from its name and specification: `[type, options]`, or `[[choices], options]`. */
export function readInput(name: string, specification: JsonValue, isRequired: boolean): InputDefinition {
  const [type, second] = asArray(specification);
  const options = asObject(second);
  if (Array.isArray(type)) return { name, type: 'COMBO', isRequired, choices: type, options };
  const kind = asText(type) ?? '*';
  if (kind !== 'COMBO') return { name, type: kind, isRequired, options };
  return { name, type: kind, isRequired, choices: asArray(options.options), options };
}

function section(entry: JsonObject, which: 'required' | 'optional'): InputDefinition[] {
  const inputs = asObject(asObject(entry.input)[which]);
  const order = asArray(asObject(entry.input_order)[which]).filter((name) => typeof name === 'string');
  const names = new Set([...order.filter((name) => Object.hasOwn(inputs, name)), ...Object.keys(inputs)]);
  return [...names].map((name) => readInput(name, inputs[name] ?? null, which === 'required'));
}
