import { fits } from './connections.ts';
import type { Definitions, InputDefinition } from './definitions.ts';
import type { NodeName, PromptFinding } from './findings.ts';
import type { JsonValue } from './json.ts';
import { folderOf, isModelFile, type ModelSource, sourceOf } from './models.ts';
import { linkOf, nameOf, type Prompt, type PromptNode, plainValue } from './prompt.ts';
import { valueFault } from './ranges.ts';
import { inputsGiven } from './values.ts';
import { AUTOGROW, isUpload } from './widgets.ts';

/**
 * What would keep the server from running the prompt, told before it is submitted. Only the nodes that an
 * output needs are looked at, as the server does; `sources` are the models whose address is known.
 */
export function validatePrompt(
  prompt: Prompt,
  definitions: Definitions,
  sources: readonly ModelSource[] = [],
): PromptFinding[] {
  const findings: PromptFinding[] = [];
  const ids = Object.keys(prompt);
  for (const id of ids) {
    const node = prompt[id];
    // The server refuses a prompt with an unknown class wherever it stands.
    if (node !== undefined && !definitions.has(node.class_type)) {
      findings.push({ kind: 'classUnknown', ...nameOf(id, node), unnamed: [] });
    }
  }
  const outputs = ids.filter((id) => definitions.get(prompt[id]?.class_type ?? '')?.isOutput === true);
  if (outputs.length === 0 && findings.length === 0) return [{ kind: 'nothingToRun' }];
  const check = new Check(prompt, definitions, sources);
  for (const id of outputs.length === 0 ? ids : outputs) check.node(id);
  return [...findings, ...check.findings];
}

class Check {
  readonly findings: PromptFinding[] = [];
  private readonly done = new Set<string>();
  private readonly open = new Set<string>();

  constructor(
    private readonly prompt: Prompt,
    private readonly definitions: Definitions,
    private readonly sources: readonly ModelSource[],
  ) {}

  node(id: string): void {
    const node = this.prompt[id];
    if (node === undefined || this.done.has(id)) return;
    this.done.add(id);
    this.open.add(id);
    const name = nameOf(id, node);
    const definition = this.definitions.get(node.class_type);
    if (definition !== undefined) {
      for (const input of inputsGiven(definition, (each) => node.inputs[each])) this.input(name, node, input);
    }
    for (const [input, value] of Object.entries(node.inputs)) {
      const link = linkOf(value);
      if (link === undefined) continue;
      if (this.prompt[link.node] === undefined) this.findings.push({ kind: 'linkBroken', ...name, input });
      else if (this.open.has(link.node)) this.findings.push({ kind: 'linkCircular', ...name, input });
      else this.node(link.node);
    }
    this.open.delete(id);
  }

  private input(name: NodeName, node: PromptNode, input: InputDefinition): void {
    const value = node.inputs[input.name];
    if (value === undefined) {
      if (!input.isRequired || input.type === AUTOGROW) return;
      this.findings.push({ kind: 'inputMissing', ...name, input: input.name, type: input.type });
      return;
    }
    const link = linkOf(value);
    if (link !== undefined) this.link(name, input, link.node, link.slot);
    else this.value(name, input, plainValue(value));
  }

  private link(name: NodeName, input: InputDefinition, from: string, slot: number): void {
    const source = this.prompt[from];
    if (source === undefined) return;
    const given = this.definitions.get(source.class_type)?.outputs;
    if (given === undefined) return;
    const type = given[slot];
    if (type === undefined) {
      this.findings.push({ kind: 'linkBroken', ...name, input: input.name });
    } else if (!input.type.startsWith('COMFY_') && !type.startsWith('COMFY_') && !fits(type, input.type)) {
      const mismatch = { input: input.name, wanted: input.type, given: type, from };
      this.findings.push({ kind: 'typeMismatch', ...name, ...mismatch });
    }
  }

  private value(name: NodeName, input: InputDefinition, value: JsonValue): void {
    const fault = valueFault(input, serverReads(input, value));
    if (fault === undefined) return;
    if (fault.kind !== 'notAChoice' || typeof value !== 'string') {
      this.findings.push({ ...name, input: input.name, ...fault });
    } else if (isUpload(input) || input.options.audio_upload === true || input.options.file_upload === true) {
      this.findings.push({ kind: 'inputFileMissing', ...name, input: input.name, file: value });
    } else if (isModelFile(name.class, input.name, value, this.sources)) {
      const source = sourceOf(value, this.sources);
      const folder = source?.folder ?? folderOf(name.class, input.name);
      const missing = { input: input.name, file: value, folder, address: source?.address };
      this.findings.push({ kind: 'modelMissing', ...name, ...missing });
    } else {
      this.findings.push({ ...name, input: input.name, ...fault });
    }
  }
}

/** The server turns texts into numbers, numbers into texts and anything into a boolean, as Python would. */
function serverReads(input: InputDefinition, value: JsonValue): JsonValue {
  const isPlain = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
  if (!isPlain) return value;
  if (input.type === 'BOOLEAN') return Boolean(value);
  if (input.type === 'STRING') return String(value);
  if (input.type !== 'INT' && input.type !== 'FLOAT') return value;
  if (typeof value === 'string' && !/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value)) return value;
  const number = Number(value);
  return input.type === 'INT' ? Math.trunc(number) : number;
}
