import type { Paint } from '../files/png.ts';
import type { Storage } from '../files/storage.ts';
import type { Failure } from '../script.ts';
import type { NodeDefinition } from './definition.ts';

/** A batch of pictures, latents or masks, on its way from node to node. */
export interface Images {
  width: number;
  height: number;
  batch: number;
  paint: Paint;
}

/** What a node makes: a value for each of its outputs, and what the history shows of it. */
export interface Made {
  outputs: unknown[];
  ui?: Record<string, unknown[]>;
}

/** A node about to run. */
export interface Task {
  className: string;
  definition: NodeDefinition;
  /** Links are replaced by the values they bring. */
  inputs: Record<string, unknown>;
  /** Tells the node with everything upstream of it: the same for the same work. */
  signature: string;
  storage: Storage;
  saver: Saver;
}

/** Python's exception in a node. */
export class NodeError extends Error {
  readonly type: string;

  constructor({ type, message }: Failure) {
    super(message);
    this.type = type;
  }
}

/** What a saving node knows of its job. */
export interface Saver {
  prompt: unknown;
  /** `extra_data.extra_pnginfo` of the request: `workflow` and whatever else belongs into the file. */
  info: Readonly<Record<string, unknown>>;
  /** Follows `ComfyUI_temp_` in the names of previews, until ComfyUI ends. */
  temporarySuffix: string;
}

export function isImages(value: unknown): value is Images {
  return typeof value === 'object' && value !== null && 'paint' in value && 'batch' in value;
}
