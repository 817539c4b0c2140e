export { deletePending, interruptPrompt } from './cancel.ts';
export { type Downloaded, downloadOutput } from './download.ts';
export { objectInfo } from './object-info.ts';
export { watchProgress } from './progress.ts';
export { findPrompt, type Standing } from './standing.ts';
export { type Submitted, submitPrompt } from './submit.ts';
export { uploadInput } from './upload.ts';
export type { ComfyWay } from './way.ts';
