export { type Answer, readChange } from './address.ts';
export { findTarget, readValue, type Target, withValue } from './change.ts';
export { type Conversion, convertWorkflow } from './convert.ts';
export { type Definitions, readDefinitions } from './definitions.ts';
export type { DrawnValues } from './dynamic-prompts.ts';
export type {
  ChangeFinding,
  Container,
  ConversionFinding,
  NodeName,
  PromptFinding,
  UnreadableReason,
} from './findings.ts';
export { type JsonObject, type JsonValue, parseJson, writeJson } from './json.ts';
export { type ModelSource, modelSources } from './models.ts';
export type { Prompt, PromptNode } from './prompt.ts';
export { type Recognised, recogniseWorkflow } from './recognise.ts';
export { type Seed, seedsOf, withSeed } from './seeds.ts';
export { type Settable, settables } from './settable.ts';
export { validatePrompt } from './validate.ts';
