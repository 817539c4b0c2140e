import {
  type ChangeFinding,
  type Container,
  type ConversionFinding,
  type JsonValue,
  type NodeName,
  type PromptFinding,
  type UnreadableReason,
  writeJson,
} from '../../workflow/index.ts';

const CONTAINERS: Record<Container, string> = {
  png: 'a PNG picture',
  webp: 'a WebP picture',
  flac: 'a FLAC sound',
  mp4: 'an MP4 video',
  webm: 'a WebM video',
};

/** Why a file holds no workflow, and what to give in its place. */
export function unreadableWords(found: UnreadableReason): { reason: string; next?: string } {
  switch (found.kind) {
    case 'empty':
      return { reason: 'It is empty.' };
    case 'jsonBroken':
      return { reason: `It is no valid JSON: ${found.message}` };
    case 'notAWorkflow':
      return { reason: 'It is JSON, and neither the API format nor what the editor saves.' };
    case 'carriesNone':
      return {
        reason: `It is ${CONTAINERS[found.container]} that carries no workflow.`,
        next: 'Programs that edit or send pictures take it out; give the file as ComfyUI made it, or the workflow itself.',
      };
    case 'containerBroken':
      return { reason: `It is ${CONTAINERS[found.container]}, cut short or damaged.` };
    case 'formatUnknown':
      return { reason: 'It is no JSON, PNG, WebP, FLAC, MP4 or WebM.' };
  }
}

/** A node as its editor shows it: `“KSampler” (3)`, with its class where the title is another. */
export function nodeWords({ node, title, class: type }: NodeName): string {
  const name = title || type;
  return `“${name}” (${node}${type && type !== name ? `, ${type}` : ''})`;
}

/** What keeps a workflow from running, or from being turned into the API format, as one line. */
export function findingWords(finding: ConversionFinding | PromptFinding): string {
  switch (finding.kind) {
    case 'classUnknown':
      return `Node ${nodeWords(finding)}: the server has no class ${finding.class}; the custom nodes that bring it are not installed there.`;
    case 'madeInTheEditor':
      return `Node ${nodeWords(finding)}: ${finding.input} (${finding.type}) is made in the browser that shows the editor, and is not in the file.`;
    case 'inputsUnnamed':
      return `Node ${nodeWords(finding)}: the file does not tell which of the growing inputs of ${finding.input} its values belong to; save it from the editor in the API format.`;
    case 'linkBroken':
      return `Node ${nodeWords(finding)}: the link into ${finding.input} leads nowhere.`;
    case 'linkCircular':
      return `Node ${nodeWords(finding)}: the link into ${finding.input} leads back to where it comes from.`;
    case 'definitionMissing':
      return `Node ${nodeWords(finding)}: the workflow does not have the subgraph or group that it stands for.`;
    case 'definitionCircular':
      return `Node ${nodeWords(finding)}: its subgraph contains itself.`;
    case 'nodeMalformed':
      return `The node at place ${finding.place} of the file has no id or no class.`;
    case 'inputMissing':
      return `Node ${nodeWords(finding)}: ${finding.input} (${finding.type}) is needed and not there.`;
    case 'typeMismatch':
      return `Node ${nodeWords(finding)}: ${finding.input} takes ${finding.wanted}, and node ${finding.from} gives ${finding.given}.`;
    case 'inputFileMissing':
      return `Node ${nodeWords(finding)}: ${finding.input}: neither the server nor this machine has ${finding.file}; name the file here with --input ${finding.node}.${finding.input}=FILE.`;
    case 'modelMissing':
      return `Node ${nodeWords(finding)}: the server lacks the model ${finding.folder ? `${finding.folder}/` : ''}${finding.file}${finding.address ? `; the workflow says where it is: ${finding.address}` : ' (the workflow names no address for it)'}.`;
    case 'nothingToRun':
      return 'No node of it saves or shows anything, so the server would refuse it.';
    default:
      return valueWords(finding);
  }
}

/** Why a change that was asked for cannot be made, and what would be right. */
export function changeWords(finding: ChangeFinding): { message: string; next?: string } {
  switch (finding.kind) {
    case 'changeMalformed':
      return {
        message: `“${finding.asked}” is not NODE.INPUT=VALUE.`,
        next: 'NODE is an id, a title or a class; --show lists what can be set.',
      };
    case 'nodeNotFound':
      return {
        message: `The workflow has no node “${finding.asked}”.`,
        next: `There are: ${some(finding.nodes.map(nodeWords))}.`,
      };
    case 'nodeAmbiguous':
      return {
        message: `“${finding.asked}” fits several nodes: ${some(finding.nodes.map(nodeWords))}.`,
        next: `Name one by its id, such as ${finding.nodes[0]?.node}.`,
      };
    case 'inputNotFound':
      return {
        message: `Node ${nodeWords(finding)} has no input ${finding.input}.`,
        next: finding.inputs.length > 0 ? `It has: ${some(finding.inputs)}.` : 'It has none that can be set.',
      };
    case 'inputLinked':
      return {
        message: `${finding.input} of node ${nodeWords(finding)} takes what node ${nodeWords(finding.from)} makes.`,
        next: `Set what that node has: --show lists it.`,
      };
    case 'inputNotSettable':
      return {
        message: `${finding.input} of node ${nodeWords(finding)} takes a link (${finding.type}), no value.`,
        next: '--show lists what can be set.',
      };
    case 'noSeed':
      return { message: 'The workflow has no seed.', next: 'Leave out --seed.' };
    case 'seedMalformed':
      return { message: `--seed takes a whole number, random or same, not “${finding.asked}”.` };
    default:
      return { message: valueWords(finding) };
  }
}

type ValueFinding = Extract<PromptFinding, { kind: 'valueMistyped' | 'outOfRange' | 'notAChoice' }>;

const TYPES: Record<string, string> = {
  INT: 'a whole number',
  FLOAT: 'a number',
  BOOLEAN: 'true or false',
  STRING: 'a text',
};

function valueWords(finding: ValueFinding): string {
  const where = `Node ${nodeWords(finding)}: ${finding.input}`;
  switch (finding.kind) {
    case 'valueMistyped':
      return `${where} takes ${TYPES[finding.wanted] ?? finding.wanted}, not ${shortJson(finding.value)}.`;
    case 'outOfRange':
      return `${where} takes a value ${rangeWords(finding.min, finding.max)}, not ${finding.value}.`;
    case 'notAChoice':
      return `${where} does not take ${shortJson(finding.value)}; the server has ${finding.choices.length > 0 ? some(finding.choices.map(shortJson)) : 'no choice for it'}.`;
  }
}

/** `from 0 to 10`, `of at least 1`. */
export function rangeWords(min: number | bigint | undefined, max: number | bigint | undefined): string {
  if (min === undefined) return max === undefined ? '' : `of at most ${max}`;
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
}

const MOST_NAMED = 12;

function some(words: string[]): string {
  const left = words.length - MOST_NAMED;
  return left > 0 ? `${words.slice(0, MOST_NAMED).join(', ')} and ${left} more` : words.join(', ');
}

const LONGEST = 120;

export function shortJson(value: JsonValue): string {
  const json = writeJson(value);
  return json.length > LONGEST ? `${json.slice(0, LONGEST)}…` : json;
}
