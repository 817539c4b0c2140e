import type { InputDefinition, NodeDefinition } from './definitions.ts';
import { readInput } from './definitions.ts';
import { asArray, asObject, asText, type JsonValue } from './json.ts';

/** One place of `widgets_values`: an input's value, or one that only the editor needs. */
export type WidgetPlace = { input: InputDefinition } | { only: 'control' | 'filter' | 'upload' };

/** The widget a combo's options add: each option has inputs of its own, named `combo.input`. */
export const DYNAMIC_COMBO = 'COMFY_DYNAMICCOMBO_V3';
export const AUTOGROW = 'COMFY_AUTOGROW_V3';

/** Widgets whose value a browser makes when the prompt is queued. */
const LIVE = new Set(['WEBCAM', 'AUDIO_RECORD', 'LOAD_3D', 'LOAD_3D_ANIMATION', 'PAINTER', 'COMPOSITOR']);

const WIDGETS = new Set([
  ...LIVE,
  ...['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO', DYNAMIC_COMBO],
  ...['MARKDOWN', 'TEXTAREA', 'COLOR', 'COLORS', 'CURVE', 'RANGE', 'CHART', 'GALLERIA'],
  ...['BOUNDING_BOX', 'BOUNDING_BOXES', 'IMAGECOMPARE', 'VIDEO_EDIT'],
]);

export function isWidget(input: InputDefinition): boolean {
  return input.options.forceInput !== true && WIDGETS.has(widgetType(input));
}

export function isLive(input: InputDefinition): boolean {
  return LIVE.has(widgetType(input));
}

export function widgetType(input: InputDefinition): string {
  return asText(input.options.widgetType) ?? input.type;
}

/** The places in `widgets_values`, in order; `chosen` tells a dynamic combo's value, which decides what follows. */
export function* places(
  definition: NodeDefinition,
  chosen: (combo: InputDefinition) => JsonValue | undefined,
): Generator<WidgetPlace> {
  let uploads = 0;
  for (const [at, input] of definition.inputs.entries()) {
    if (isUpload(input)) uploads += 1;
    yield* placesOf(input, chosen);
    const isLastRequired = input.isRequired && definition.inputs[at + 1]?.isRequired !== true;
    if (isLastRequired && uploads > 0) yield { only: 'upload' };
  }
}

export function* placesOf(
  input: InputDefinition,
  chosen: (combo: InputDefinition) => JsonValue | undefined,
): Generator<WidgetPlace> {
  if (!isWidget(input)) return;
  yield { input };
  if (hasControl(input)) {
    yield { only: 'control' };
    if (input.type === 'COMBO') yield { only: 'filter' };
  }
  if (input.type !== DYNAMIC_COMBO) return;
  for (const inner of inputsOfChoice(input, chosen(input))) yield* placesOf(inner, chosen);
}

/** The inputs that a dynamic combo's choice adds to its node. */
export function inputsOfChoice(combo: InputDefinition, choice: JsonValue | undefined): InputDefinition[] {
  const option = asArray(combo.options.options).find((each) => asObject(each).key === choice);
  const inputs = asObject(asObject(option).inputs);
  return (['required', 'optional'] as const).flatMap((which) =>
    Object.entries(asObject(inputs[which])).map(([name, specification]) =>
      readInput(`${combo.name}.${name}`, specification, combo.isRequired && which === 'required'),
    ),
  );
}

/** Whether the editor shows a second widget that says how the value changes after each run. */
export function hasControl(input: InputDefinition): boolean {
  const control = input.options.control_after_generate;
  if (widgetType(input) === 'INT') {
    return control === undefined || control === null ? isSeedName(input.name) : Boolean(control);
  }
  return input.type === 'COMBO' && Boolean(control);
}

/** What the editor gives an input that no saved value exists for; undefined where it gives none. */
export function defaultOf(input: InputDefinition): JsonValue | undefined {
  const given = input.options.default;
  switch (widgetType(input)) {
    case 'INT':
    case 'FLOAT':
      return given ?? 0;
    case 'BOOLEAN':
      return given ?? false;
    case 'COMBO':
      if (input.options.multi_select !== undefined) return given ?? [];
      return given || (input.choices?.[0] ?? undefined);
    case DYNAMIC_COMBO:
      return given || asText(asObject(asArray(input.options.options)[0]).key);
    case 'STRING':
    case 'MARKDOWN':
    case 'TEXTAREA':
      return given ?? '';
    default:
      return given;
  }
}

export function isUpload(input: InputDefinition): boolean {
  return UPLOADS.some((kind) => input.options[kind] === true);
}

function isSeedName(name: string): boolean {
  return name === 'seed' || name === 'noise_seed';
}

const UPLOADS = ['image_upload', 'animated_image_upload', 'video_upload'];
