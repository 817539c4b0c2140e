import { asArray, asObject, asText, isObject, type JsonObject, type JsonValue } from './json.ts';

/** A model file that a workflow says where to get. */
export interface ModelSource {
  file: string;
  folder: string | undefined;
  address: string | undefined;
}

/**
 * Every model that the editor's format names: at its top and in nodes' properties, and, for files named
 * nowhere else, by the links in notes.
 */
export function modelSources(workflow: JsonObject): ModelSource[] {
  const sources: ModelSource[] = [];
  const noted: ModelSource[] = [];
  const add = (models: JsonValue | undefined): void => {
    for (const model of asArray(models)) {
      const { name, directory, url } = asObject(model);
      const file = asText(name);
      if (file !== undefined) sources.push({ file, folder: asText(directory), address: asText(url) });
    }
  };
  const addNodes = (nodes: JsonValue | undefined): void => {
    for (const node of asArray(nodes).map(asObject)) {
      add(asObject(node.properties).models);
      if (!NOTES.has(asText(node.type) ?? '')) continue;
      for (const text of asArray(node.widgets_values)) noted.push(...linkedFiles(text));
    }
  };
  add(workflow.models);
  addNodes(workflow.nodes);
  const visit = (holder: JsonObject): void => {
    for (const subgraph of asArray(asObject(holder.definitions).subgraphs)) {
      if (!isObject(subgraph)) continue;
      addNodes(subgraph.nodes);
      visit(subgraph);
    }
  };
  visit(workflow);
  for (const group of Object.values(asObject(asObject(workflow.extra).groupNodes))) {
    addNodes(asObject(group).nodes);
  }
  return [...sources, ...noted];
}

/** The model files that a note's text links to. */
function linkedFiles(text: JsonValue): ModelSource[] {
  if (typeof text !== 'string') return [];
  return [...text.matchAll(/https?:\/\/[^\s<>"'()[\]]+/g)].flatMap(([address]) => {
    const path = address.split(/[?#]/)[0]?.split('/').at(-1) ?? '';
    return MODEL_FILE.test(path) ? [{ file: decoded(path), folder: undefined, address }] : [];
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether a combo's value is a model's file: by the loader, by the workflow, or by its ending. */
export function isModelFile(
  type: string,
  input: string,
  value: string,
  sources: readonly ModelSource[],
): boolean {
  return (
    folderOf(type, input) !== undefined || MODEL_FILE.test(value) || sourceOf(value, sources) !== undefined
  );
}

/** Paths are compared with either slash: a workflow may come from Windows. */
export function sourceOf(file: string, sources: readonly ModelSource[]): ModelSource | undefined {
  const plain = (path: string): string => path.replaceAll('\\', '/');
  const named = sources.filter((source) => plain(source.file) === plain(file));
  const base = (path: string): string => plain(path).split('/').at(-1) ?? path;
  const found = named.length > 0 ? named : sources.filter((source) => base(source.file) === base(file));
  return found.find((source) => source.address !== undefined) ?? found[0];
}

/** The folder below models/ that ComfyUI's own loaders look into; undefined for loaders it does not have. */
export function folderOf(type: string, input: string): string | undefined {
  if (input === 'clip_name' && type.startsWith('CLIPVision')) return 'clip_vision';
  if (type === 'UpscaleModelLoader' && input === 'model_name') return 'upscale_models';
  if (type === 'AudioEncoderLoader') return 'audio_encoders';
  if (type === 'ModelPatchLoader' && input === 'name') return 'model_patches';
  if (type === 'LatentUpscaleModelLoader' && input === 'model_name') return 'latent_upscale_models';
  return FOLDERS[input];
}

const FOLDERS: Record<string, string> = {
  ckpt_name: 'checkpoints',
  vae_name: 'vae',
  lora_name: 'loras',
  unet_name: 'diffusion_models',
  clip_name: 'text_encoders',
  clip_name1: 'text_encoders',
  clip_name2: 'text_encoders',
  clip_name3: 'text_encoders',
  clip_name4: 'text_encoders',
  control_net_name: 'controlnet',
  style_model_name: 'style_models',
  gligen_name: 'gligen',
  hypernetwork_name: 'hypernetworks',
  photomaker_model_name: 'photomaker',
};

const MODEL_FILE = /\.(safetensors|sft|ckpt|pt|pt2|pth|bin|gguf|onnx|pkl)$/i;

const NOTES = new Set(['Note', 'MarkdownNote']);
