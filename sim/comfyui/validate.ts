import type { Prompt } from './job.ts';
import type { NodeClasses } from './nodes/classes.ts';
import type { ComfyUiVersion } from './recorded.ts';
import { type InputError, InputValidation } from './validate-inputs.ts';

/** What is wrong with a prompt as a whole. */
export interface PromptError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

interface NodeErrors {
  errors: InputError[];
  dependent_outputs: string[];
  class_type: string;
}

/** What ComfyUI thinks of a prompt: which outputs can be made, and what stands against the others. */
export interface Verdict {
  error: PromptError | null;
  outputs: string[];
  nodeErrors: Record<string, NodeErrors>;
}

interface Judge {
  version: ComfyUiVersion;
  classes: NodeClasses;
  hasInputFile: (name: string) => boolean;
}

/** Validates a prompt in API format, and writes converted values into it, as ComfyUI does. */
export function validatePrompt(prompt: Prompt, judge: Judge, targets: string[] | null): Verdict {
  const outputs: string[] = [];
  for (const [id, node] of Object.entries(prompt)) {
    const isNamed = typeof node?.class_type === 'string';
    const definition = isNamed ? judge.classes.get(node.class_type) : undefined;
    if (!definition) return refused(isNamed ? unknownClass(judge, id, prompt) : withoutClass(judge, id));
    if (definition.output_node && (!targets || targets.includes(id))) outputs.push(id);
  }
  if (outputs.length === 0) return refused(promptError('prompt_no_outputs', 'Prompt has no outputs'));
  return judgeOutputs(prompt, outputs, judge);
}

function judgeOutputs(prompt: Prompt, outputs: string[], judge: Judge): Verdict {
  const validation = new InputValidation(prompt, judge);
  const good: string[] = [];
  const reasons: InputError[] = [];
  const nodeErrors: Record<string, NodeErrors> = {};
  for (const output of outputs) {
    const result = validation.output(output);
    if (result.isValid) {
      good.push(output);
      continue;
    }
    reasons.push(...result.errors);
    for (const [id, { isValid, errors }] of validation.results) {
      if (isValid || errors.length === 0) continue;
      nodeErrors[id] ??= { errors, dependent_outputs: [], class_type: prompt[id]?.class_type ?? '' };
      nodeErrors[id].dependent_outputs.push(output);
    }
  }
  if (good.length > 0) return { error: null, outputs: good, nodeErrors };
  const details = reasons.map((one) => `${one.message}: ${one.details}`).join('\n');
  const error = promptError('prompt_outputs_failed_validation', 'Prompt outputs failed validation', details);
  return { error, outputs: [], nodeErrors };
}

function refused(error: PromptError): Verdict {
  return { error, outputs: [], nodeErrors: {} };
}

function promptError(type: string, message: string, details = '', extraInfo = {}): PromptError {
  return { type, message, details, extra_info: extraInfo };
}

function withoutClass({ version }: Judge, id: string): PromptError {
  const details = `Node ID '#${id}'`;
  if (version === '0.3.64') {
    const message = 'Cannot execute because a node is missing the class_type property.';
    return promptError('invalid_prompt', message, details);
  }
  return promptError(
    'missing_node_type',
    `Node 'ID #${id}' has no class_type. The workflow may be corrupted or a custom node is missing.`,
    details,
    { node_id: id, class_type: null, node_title: null },
  );
}

function unknownClass({ version }: Judge, id: string, prompt: Prompt): PromptError {
  const details = `Node ID '#${id}'`;
  const node = prompt[id];
  const name = node?.class_type ?? '';
  if (version === '0.3.64') {
    return promptError('invalid_prompt', `Cannot execute because node ${name} does not exist.`, details);
  }
  const title = node?._meta?.title ?? name;
  return promptError(
    'missing_node_type',
    `Node '${title}' not found. The custom node may not be installed.`,
    details,
    { node_id: id, class_type: name, node_title: title },
  );
}
