import { type ComfyWay, downloadOutput, FileClient } from '../../../../src/services/comfyui/index.ts';

type Rest = Parameters<typeof downloadOutput> extends [unknown, ...infer R] ? R : never;

/** One file by a client of its own. */
export async function download(way: ComfyWay, ...rest: Rest): ReturnType<typeof downloadOutput> {
  const comfyui = new FileClient(way);
  try {
    return await downloadOutput(comfyui, ...rest);
  } finally {
    comfyui.close();
  }
}
