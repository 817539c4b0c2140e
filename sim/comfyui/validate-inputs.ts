import type { Prompt } from './job.ts';
import { choicesOf, isChoice, isFileInput, type NodeClasses } from './nodes/classes.ts';
import type { InputSpec, NodeDefinition } from './nodes/definition.ts';
import { ConversionError, convert, repr, str } from './python.ts';
import type { ComfyUiVersion } from './recorded.ts';

/** Why an input, or a whole node, is not valid. */
export interface InputError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

interface Result {
  isValid: boolean;
  errors: InputError[];
}

/** More choices than these are not written into an error. */
const LISTED_CHOICES = 20;

/** Python's exception for a node that is not in the prompt. */
class MissingNode extends Error {}

interface Judge {
  version: ComfyUiVersion;
  classes: NodeClasses;
  hasInputFile: (name: string) => boolean;
}

/** Follows the links of a prompt from its outputs. One node is judged once. */
export class InputValidation {
  readonly results = new Map<string, Result>();
  readonly #prompt: Prompt;
  readonly #judge: Judge;
  readonly #path: string[] = [];

  constructor(prompt: Prompt, judge: Judge) {
    this.#prompt = prompt;
    this.#judge = judge;
  }

  output(id: string): Result {
    try {
      return this.#node(id);
    } catch (error) {
      if (!(error instanceof MissingNode)) throw error;
      this.#path.length = 0;
      const result = { isValid: false, errors: [missingNode('exception_during_validation', error)] };
      this.results.set(id, result);
      return result;
    }
  }

  #node(id: string): Result {
    const known = this.results.get(id);
    if (known) return known;
    const { inputs, definition } = this.#at(id);
    this.#path.push(id);
    const result: Result = { isValid: true, errors: [] };
    const { required = {}, optional = {} } = definition.input;
    for (const [name, spec] of Object.entries({ ...required, ...optional })) {
      if (Object.hasOwn(inputs, name)) this.#input(definition, inputs, name, spec, result);
      else if (Object.hasOwn(required, name)) result.errors.push(missingInput(name));
    }
    this.#path.pop();
    // A cycle has been told of this node while its inputs were followed.
    const told = this.results.get(id);
    if (told && !told.isValid) return told;
    result.isValid &&= result.errors.length === 0;
    this.results.set(id, result);
    return result;
  }

  #at(id: string): { inputs: Record<string, unknown>; definition: NodeDefinition } {
    const node = Object.hasOwn(this.#prompt, id) ? this.#prompt[id] : undefined;
    const definition = node && this.#judge.classes.get(node.class_type);
    if (!definition) throw new MissingNode(repr(id));
    node.inputs ??= {};
    return { inputs: node.inputs, definition };
  }

  #input(
    { name: className }: NodeDefinition,
    inputs: Record<string, unknown>,
    name: string,
    spec: InputSpec,
    result: Result,
  ): void {
    const value = inputs[name];
    if (Array.isArray(value)) {
      this.#link(name, spec, value, result);
      return;
    }
    const error = convertInput(inputs, name, spec) ?? this.#check(className, name, spec, inputs[name]);
    if (error) result.errors.push(error);
  }

  #link(name: string, spec: InputSpec, value: unknown[], result: Result): void {
    const about = { input_name: name, input_config: configOf(spec) };
    if (value.length !== 2) {
      result.errors.push({
        type: 'bad_linked_input',
        message: 'Bad linked input, must be a length-2 list of [node_id, slot_index]',
        details: name,
        extra_info: { ...about, received_value: value },
      });
      return;
    }
    const id = str(value[0]);
    const received = this.#at(id).definition.output[Number(value[1])] ?? '';
    const wanted = Array.isArray(spec[0]) ? repr(spec[0]) : String(spec[0]);
    if (!fits(received, spec)) {
      result.errors.push({
        type: 'return_type_mismatch',
        message: 'Return type mismatch between linked nodes',
        details: `${name}, received_type(${received}) mismatch input_type(${wanted})`,
        extra_info: { ...about, received_type: received, linked_node: value },
      });
      return;
    }
    if (this.#path.includes(id)) {
      this.#cycle(id);
      result.isValid = false;
      return;
    }
    try {
      if (!this.#node(id).isValid) result.isValid = false;
    } catch (error) {
      if (!(error instanceof MissingNode)) throw error;
      result.isValid = false;
      this.#path.splice(this.#path.indexOf(id));
      const inner = missingNode('exception_during_inner_validation', error, {
        ...about,
        exception_message: error.message,
        linked_node: value,
      });
      this.results.set(id, { isValid: false, errors: [inner] });
    }
  }

  /** The newer version names the nodes of a cycle, the other one says nothing. */
  #cycle(id: string): void {
    const nodes = this.#path.slice(this.#path.indexOf(id));
    const named = [...nodes, id].map((one) => `${one} (${this.#prompt[one]?.class_type})`).join(' -> ');
    for (const node of nodes) {
      const error = {
        type: 'dependency_cycle',
        message: 'Dependency cycle detected',
        details: named,
        extra_info: { node_id: node, cycle_nodes: nodes },
      };
      this.results.set(node, { isValid: false, errors: this.#judge.version === '0.33.0' ? [error] : [] });
    }
  }

  #check(className: string, name: string, spec: InputSpec, value: unknown): InputError | undefined {
    if (isFileInput(className, spec)) {
      return this.#judge.hasInputFile(String(value)) ? undefined : invalidFile(className, name, value);
    }
    if (className === 'SimOutput' && name === 'invalid' && value === true) {
      return refusedByNode('it was asked to be invalid');
    }
    return outOfRange(name, spec, value) ?? notInList(name, spec, value);
  }
}

function convertInput(
  inputs: Record<string, unknown>,
  name: string,
  spec: InputSpec,
): InputError | undefined {
  const received = inputs[name];
  const value = isWrapped(received) ? received.__value__ : received;
  try {
    inputs[name] = Array.isArray(spec[0]) ? value : convert(String(spec[0]), value);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    return {
      type: 'invalid_input_type',
      message: `Failed to convert an input value to a ${spec[0]} value`,
      details: `${name}, ${str(value)}, ${error.message}`,
      extra_info: {
        input_name: name,
        input_config: configOf(spec),
        received_value: value,
        exception_message: error.message,
      },
    };
  }
}

function isWrapped(value: unknown): value is { __value__: unknown } {
  return typeof value === 'object' && value !== null && '__value__' in value;
}

function outOfRange(name: string, spec: InputSpec, value: unknown): InputError | undefined {
  const [, { min, max } = {}] = spec;
  if (!isNumber(value)) return undefined;
  const extra = { input_name: name, input_config: configOf(spec), received_value: value };
  if (isNumber(min) && value < min) {
    const message = `Value ${value} smaller than min of ${min}`;
    return { type: 'value_smaller_than_min', message, details: name, extra_info: extra };
  }
  if (isNumber(max) && value > max) {
    const message = `Value ${value} bigger than max of ${max}`;
    return { type: 'value_bigger_than_max', message, details: name, extra_info: extra };
  }
  return undefined;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function notInList(name: string, spec: InputSpec, value: unknown): InputError | undefined {
  const choices = choicesOf(spec);
  if (!isChoice(spec) || choices.includes(value)) return undefined;
  const isLong = choices.length > LISTED_CHOICES;
  return {
    type: 'value_not_in_list',
    message: 'Value not in list',
    details: `${name}: '${str(value)}' not in ${isLong ? `(list of length ${choices.length})` : repr(choices)}`,
    extra_info: { input_name: name, input_config: isLong ? null : configOf(spec), received_value: value },
  };
}

function invalidFile(className: string, name: string, value: unknown): InputError {
  const kind = /Audio|Video|Latent/.exec(className)?.[0].toLowerCase() ?? 'image';
  return refusedByNode(`${name} - Invalid ${kind} file: ${str(value)}`, { input_name: name });
}

/** What a node class checks by itself, in its `VALIDATE_INPUTS`. */
function refusedByNode(details: string, extra: Record<string, unknown> = {}): InputError {
  return {
    type: 'custom_validation_failed',
    message: 'Custom validation failed for node',
    details,
    extra_info: extra,
  };
}

function missingInput(name: string): InputError {
  return {
    type: 'required_input_missing',
    message: 'Required input is missing',
    details: name,
    extra_info: { input_name: name },
  };
}

function missingNode(type: string, error: MissingNode, extra: Record<string, unknown> = {}): InputError {
  const inner = type === 'exception_during_inner_validation' ? 'inner node' : 'node';
  const traceback = ['  File "/workspace/runpod-slim/ComfyUI/execution.py", in validate_inputs\n'];
  return {
    type,
    message: `Exception when validating ${inner}`,
    details: error.message,
    extra_info: { ...extra, exception_type: 'KeyError', traceback },
  };
}

function configOf([type, config]: InputSpec): InputSpec {
  return [type, config ?? {}];
}

/** Whether an output of this type may be linked to the input. Types may be several: `INT,FLOAT`. */
function fits(received: string, spec: InputSpec): boolean {
  if (isChoice(spec)) return received === '*' || received === 'COMBO' || received === 'STRING';
  const wanted = String(spec[0]);
  if (received === '*' || wanted === '*') return true;
  const accepted = wanted.split(',');
  return received.split(',').every((one) => accepted.includes(one));
}
