import recorded from '../fixtures/object-info-0.3.64.json' with { type: 'json' };
import { type ComfyUiVersion, recordedAnswers } from '../recorded.ts';
import type { InputSpec, NodeDefinition } from './definition.ts';
import { SIM_NODES } from './sim-nodes.ts';

/** What the choices of loaders are. */
export interface Choices {
  /** Names of model files, by folder. */
  models: Readonly<Record<string, readonly string[]>>;
  /** Names in the input folder. */
  inputFiles: () => string[];
}

const BASES = new Map<ComfyUiVersion, Record<string, NodeDefinition>>();

/** Which models an input chooses from, by its class and name or by its name alone. */
const MODEL_FOLDERS: Record<string, string> = {
  ckpt_name: 'checkpoints',
  lora_name: 'loras',
  unet_name: 'diffusion_models',
  clip_name: 'text_encoders',
  clip_name1: 'text_encoders',
  clip_name2: 'text_encoders',
  clip_name3: 'text_encoders',
  clip_name4: 'text_encoders',
  'CLIPVisionLoader.clip_name': 'clip_vision',
  vae_name: 'vae',
  control_net_name: 'controlnet',
  style_model_name: 'style_models',
  gligen_name: 'gligen',
  hypernetwork_name: 'hypernetworks',
  'UpscaleModelLoader.model_name': 'upscale_models',
  photomaker_model_name: 'photomaker',
  audio_encoder_name: 'audio_encoders',
  'ModelPatchLoader.name': 'model_patches',
  'DiffusersLoader.model_path': 'diffusers',
};

/** The classes of a server, with the choices it has now. */
export class NodeClasses {
  readonly #base: Record<string, NodeDefinition>;
  readonly #choices: Choices;

  constructor(version: ComfyUiVersion, choices: Choices) {
    this.#base = baseOf(version);
    this.#choices = choices;
  }

  get(name: string): NodeDefinition | undefined {
    const definition = Object.hasOwn(this.#base, name) ? this.#base[name] : undefined;
    return definition && this.#withChoices(definition);
  }

  all(): Record<string, NodeDefinition> {
    return Object.fromEntries(
      Object.entries(this.#base).map(([name, definition]) => [name, this.#withChoices(definition)]),
    );
  }

  #withChoices(definition: NodeDefinition): NodeDefinition {
    const { required, optional } = definition.input;
    const isLoader = [required, optional].some((inputs) =>
      Object.entries(inputs ?? {}).some(([name, spec]) => choosesFrom(definition.name, name, spec)),
    );
    if (!isLoader) return definition;
    const input = { ...definition.input };
    if (required) input.required = this.#filled(definition.name, required);
    if (optional) input.optional = this.#filled(definition.name, optional);
    return { ...definition, input };
  }

  #filled(className: string, inputs: Record<string, InputSpec>): Record<string, InputSpec> {
    return Object.fromEntries(
      Object.entries(inputs).map(([name, spec]) => [name, this.#fill(className, name, spec)]),
    );
  }

  #fill(className: string, name: string, [type, config]: InputSpec): InputSpec {
    const from = choosesFrom(className, name, [type, config]);
    if (!from) return config === undefined ? [type] : [type, config];
    const found = from === 'input' ? this.#choices.inputFiles() : (this.#choices.models[from] ?? []);
    const choices = [...found, ...choicesOf([type, config])];
    return Array.isArray(type) ? [choices, config ?? {}] : [type, { ...config, options: choices }];
  }
}

/** The values an input must be one of; none for other inputs. */
export function choicesOf([type, config]: InputSpec): readonly unknown[] {
  if (Array.isArray(type)) return type;
  return type === 'COMBO' && Array.isArray(config?.options) ? config.options : [];
}

export function isChoice([type]: InputSpec): boolean {
  return Array.isArray(type) || type === 'COMBO';
}

/** Whether the node itself looks for the file instead of the list of choices. */
export function isFileInput(className: string, [, config]: InputSpec): boolean {
  const isUpload = ['image_upload', 'audio_upload', 'video_upload'].some((key) => config?.[key] === true);
  return isUpload || className === 'LoadLatent';
}

function choosesFrom(className: string, name: string, spec: InputSpec): string | undefined {
  if (!isChoice(spec)) return undefined;
  if (isFileInput(className, spec)) return 'input';
  return MODEL_FOLDERS[`${className}.${name}`] ?? MODEL_FOLDERS[name];
}

function baseOf(version: ComfyUiVersion): Record<string, NodeDefinition> {
  const base = BASES.get(version);
  return base ?? makeBase(version);
}

function makeBase(version: ComfyUiVersion): Record<string, NodeDefinition> {
  const own = recordedAnswers(version)['/object_info']?.json as Record<string, NodeDefinition>;
  const known = recorded as unknown as Record<string, NodeDefinition>;
  const made = { ...(mapNumbers(known) as typeof known), ...SIM_NODES };
  const more = version === '0.33.0' ? MORE_KEYS : {};
  const base = Object.fromEntries(
    Object.entries(made).map(([name, definition]) => [name, own[name] ?? { ...definition, ...more }]),
  );
  BASES.set(version, base);
  return base;
}

/** What the newer version says of each class besides. */
const MORE_KEYS = { is_input_list: false, has_intermediate_output: false, search_aliases: [] };

/** Bounds that JavaScript rounds, as the server has them. */
const EXACT = new Map<unknown, bigint>([
  [2 ** 64, 2n ** 64n - 1n],
  [-(2 ** 64), 1n - 2n ** 64n],
  [2 ** 63, 2n ** 63n - 1n],
  [-(2 ** 63), -(2n ** 63n)],
]);

function mapNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapNumbers);
  if (typeof value !== 'object' || value === null) return EXACT.get(value) ?? value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapNumbers(one)]));
}
