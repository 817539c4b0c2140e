/** RunPod's ComfyUI image, with the CUDA its torch is built for in the tag: `cuda12.8`, `1.4.7-cuda13.0`. */
const COMFYUI_TAG = /^(?:docker\.io\/)?runpod\/comfyui(?::(?<tag>[^@]+))?(?:@.*)?$/;
const TAG_FLOORS: [RegExp, string][] = [
  [/^latest$/, '12.8'],
  [/(^|-)cuda12\.8$/, '12.8'],
  [/(^|-)cuda13\.0$/, '13.0'],
];

/**
 * The lowest CUDA version, as `major.minor`, that a host's driver must support for an image: what was asked for, `none`
 * for any host, else what the image is known to need. On an older host its container starts, and torch fails later.
 */
export function cudaFloor(asked: string | undefined, image: string): string | undefined {
  if (asked !== undefined) return asked === 'none' ? undefined : asked;
  const match = COMFYUI_TAG.exec(image);
  if (!match) return undefined;
  const tag = match.groups?.tag ?? 'latest';
  return TAG_FLOORS.find(([pattern]) => pattern.test(tag))?.[1];
}

/** Whether a floor is one that can be asked for. RunPod takes no bare major: 13 may be 13.0, or 13.5. */
export function isCudaFloor(value: string): boolean {
  return value === 'none' || /^[1-9]\d{0,2}\.\d{1,3}$/.test(value);
}

/** Why a value is none. */
export const NO_CUDA_FLOOR = 'It takes a CUDA version with its minor number such as 12.8, or none.';
