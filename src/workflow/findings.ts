import type { JsonValue } from './json.ts';

/** A node as its finding names it: the id of the API format, the title the editor shows, the class. */
export interface NodeName {
  node: string;
  title: string;
  class: string;
}

/** What the conversion could not do. Whatever is found here was left out, not guessed. */
export type ConversionFinding =
  /** The server does not know the class; `unnamed` are the saved values whose inputs cannot be told without it. */
  | (NodeName & { kind: 'classUnknown'; unnamed: JsonValue[] })
  /** A value that exists only in the browser that shows the editor: a camera's picture, a recording. */
  | (NodeName & { kind: 'madeInTheEditor'; input: string; type: string })
  /** Inputs that grow with use, whose values are saved by position only. */
  | (NodeName & { kind: 'inputsUnnamed'; input: string; type: string })
  /** A link that the workflow does not describe, or whose other end is missing. */
  | (NodeName & { kind: 'linkBroken'; input: string })
  /** Links that lead back to where they came from through reroutes, bypassed nodes or subgraphs. */
  | (NodeName & { kind: 'linkCircular'; input: string })
  /** A subgraph or group node whose definition is not in the workflow. */
  | (NodeName & { kind: 'definitionMissing' })
  /** A subgraph that contains itself. */
  | (NodeName & { kind: 'definitionCircular' })
  /** A node of the file without an id or a class, by its place in `nodes`. */
  | { kind: 'nodeMalformed'; place: number };

/** Why the server would refuse a prompt, or could not run it. */
export type PromptFinding =
  | (NodeName & { kind: 'classUnknown'; unnamed: JsonValue[] })
  | (NodeName & { kind: 'inputMissing'; input: string; type: string })
  | (NodeName & { kind: 'linkBroken'; input: string })
  | (NodeName & { kind: 'linkCircular'; input: string })
  | (NodeName & { kind: 'typeMismatch'; input: string; wanted: string; given: string; from: string })
  | (NodeName & { kind: 'valueMistyped'; input: string; wanted: string; value: JsonValue })
  | (NodeName & OutOfRange)
  | (NodeName & { kind: 'notAChoice'; input: string; value: JsonValue; choices: JsonValue[] })
  /** A file of the input folder (picture, sound, video) that the server does not have. */
  | (NodeName & { kind: 'inputFileMissing'; input: string; file: string })
  | (NodeName & ModelMissing)
  /** No node of the prompt makes an output. */
  | { kind: 'nothingToRun' };

export interface OutOfRange {
  kind: 'outOfRange';
  input: string;
  value: number | bigint;
  min: number | bigint | undefined;
  max: number | bigint | undefined;
}

export interface ModelMissing {
  kind: 'modelMissing';
  input: string;
  file: string;
  /** Below ComfyUI's models/; undefined where neither the workflow nor the loader tells. */
  folder: string | undefined;
  /** Where the workflow says the file can be had. */
  address: string | undefined;
}

/** Why a change (`NODE.INPUT=VALUE`) cannot be made. */
export type ChangeFinding =
  | { kind: 'changeMalformed'; asked: string }
  | { kind: 'nodeNotFound'; asked: string; nodes: NodeName[] }
  | { kind: 'nodeAmbiguous'; asked: string; nodes: NodeName[] }
  | (NodeName & { kind: 'inputNotFound'; input: string; inputs: string[] })
  /** The input takes what another node makes; that node is the one to change. */
  | (NodeName & { kind: 'inputLinked'; input: string; from: NodeName })
  | (NodeName & { kind: 'inputNotSettable'; input: string; type: string })
  | (NodeName & { kind: 'valueMistyped'; input: string; wanted: string; value: JsonValue })
  | (NodeName & OutOfRange)
  | (NodeName & { kind: 'notAChoice'; input: string; value: JsonValue; choices: JsonValue[] })
  /** `--seed`, and no node has one. */
  | { kind: 'noSeed' }
  | { kind: 'seedMalformed'; asked: string };

/** Why bytes hold no workflow. */
export type UnreadableReason =
  | { kind: 'empty' }
  | { kind: 'jsonBroken'; message: string }
  /** JSON, but neither format. */
  | { kind: 'notAWorkflow' }
  /** A picture, sound or video that carries none: `container` is its format. */
  | { kind: 'carriesNone'; container: Container }
  /** Cut short or damaged before its end. */
  | { kind: 'containerBroken'; container: Container }
  | { kind: 'formatUnknown' };

export type Container = 'png' | 'webp' | 'flac' | 'mp4' | 'webm';
