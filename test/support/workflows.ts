import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Workflows in the API format that need no model. */
export const EMPTY_IMAGE = {
  '1': {
    class_type: 'EmptyImage',
    inputs: { width: 64, height: 48, batch_size: 1, color: 16711680 },
    _meta: { title: 'Red' },
  },
  '2': {
    class_type: 'SaveImage',
    inputs: { images: ['1', 0], filename_prefix: 'fox' },
    _meta: { title: 'Save' },
  },
};

export const INVERTED = {
  '1': { class_type: 'LoadImage', inputs: { image: 'cat.png' }, _meta: { title: 'Load' } },
  '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] }, _meta: { title: 'Invert' } },
  '3': {
    class_type: 'SaveImage',
    inputs: { images: ['2', 0], filename_prefix: 'inverted' },
    _meta: { title: 'Save' },
  },
};

/** One that only the simulator runs: takes its time, in steps, and has a seed. */
export function sleeping(seconds: number, steps = 4, seed = 7) {
  return {
    '1': { class_type: 'SimSleep', inputs: { seconds, steps, seed }, _meta: { title: 'Sleep' } },
    '2': {
      class_type: 'SaveImage',
      inputs: { images: ['1', 0], filename_prefix: 'slept' },
      _meta: { title: 'Save' },
    },
  };
}

/** Writes one into a folder, and gives its path. */
export function workflowFile(folder: string, name: string, workflow: object | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof workflow === 'string' ? workflow : JSON.stringify(workflow));
  return path;
}
