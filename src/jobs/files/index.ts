export { bringOutputs, type Download, fetchOutputs, wantedOutputs } from './fetch-outputs.ts';
export { filesHere } from './files-here.ts';
export { makeOut } from './folder.ts';
export { jobOfFile } from './sidecar.ts';
export { targetPath } from './target-path.ts';
export { checkTemplate, PLACEHOLDERS } from './template.ts';
