const LAYERS = [
  { id: 'f3a1c09b7d52', size: '30.4MB', steps: ['30.4MB'] },
  { id: '9b2e6ad418c0', size: '1.92GB', steps: ['412MB', '1.31GB', '1.92GB'] },
  { id: '0c7d5e91aa34', size: '8.4GB', steps: ['614MB', '1.2GB', '3.7GB', '6.1GB', '8.4GB'] },
] as const;

const BAR_WIDTH = 50;

/** What the host says while it fetches an image it does not have. */
export function imagePullLines(image: string): string[] {
  const { name, tag } = splitImage(image);
  return [
    `create container ${image}`,
    `${tag} Pulling from ${name}`,
    ...LAYERS.map(({ id }) => `${id} Pulling fs layer`),
    ...LAYERS.flatMap(({ id, size, steps }) => [
      ...steps.map((done) => `${id} Downloading ${bar(done, size)} ${done}/${size}`),
      `${id} Verifying Checksum`,
      `${id} Download complete`,
    ]),
    ...LAYERS.map(({ id }) => `${id} Pull complete`),
    `Status: Downloaded newer image for ${image}`,
  ];
}

/** What the host says when the image is already there. */
export function imagePresentLines(image: string): string[] {
  const { name, tag } = splitImage(image);
  return [
    `create container ${image}`,
    `${tag} Pulling from ${name}`,
    `Status: Image is up to date for ${image}`,
  ];
}

/** Since 1.3.0 ComfyUI comes with the image and writes to the container's log; 1.2 installs it at the first boot and has a file for its log. */
export type ImageRelease = '1.2' | '1.3';

/** What keeps ComfyUI from ever answering: a fault of its own, or a host whose driver the image's torch cannot use. */
export type ComfyEnd = 'crash' | 'driverTooOld';

interface ComfyStart {
  release: ImageRelease;
  version: string;
  gpu: { id: string; memory: number };
  firstBoot: boolean;
  /** Undefined where ComfyUI comes up. */
  end?: ComfyEnd | undefined;
}

/** What the container's own start script says. */
export function containerStartLines({ release, firstBoot }: ComfyStart): string[] {
  const services = ['Setting up SSH access', 'Starting FileBrowser on port 8080'];
  if (release === '1.2') return [...services, ...(firstBoot ? INSTALL_LINES : []), 'Starting ComfyUI'];
  return [...services, ...(firstBoot ? COPY_LINES : []), 'Starting ComfyUI...'];
}

/** What ComfyUI says on its way; the last line is the one it ends with. */
export function comfyStartLines({ release, version, gpu, end }: ComfyStart): string[] {
  if (end === 'driverTooOld') return [...DRIVER_LINES, ...crashLine(release)];
  const begun = [
    `Total VRAM ${gpu.memory * 1024 - 512} MB, total RAM 515634 MB`,
    'pytorch version: 2.8.0+cu128',
    `Device: cuda:0 ${gpu.id} : cudaMallocAsync`,
    'Using pytorch attention',
    `ComfyUI version: ${version}`,
  ];
  if (end === 'crash') return [...begun, ...CRASH_LINES, ...crashLine(release)];
  return [
    ...begun,
    'Import times for custom nodes:',
    '   0.4 seconds: /workspace/runpod-slim/ComfyUI/custom_nodes/ComfyUI-Manager',
    'Starting server',
    '',
    'To see the GUI go to: http://0.0.0.0:8188',
    ...(release === '1.2' ? [] : ['[ComfyUI-Manager] All startup tasks have been completed.']),
  ];
}

// The start script says it and sleeps on: the pod stays RUNNING.
function crashLine(release: ImageRelease): string[] {
  return release === '1.2' ? [] : ['ComfyUI crashed — check the logs above.'];
}

const COPY_LINES = [
  'First time setup: Copying baked ComfyUI to workspace...',
  'Creating virtual environment .venv-cu128',
  'ComfyUI copied to /workspace/runpod-slim/ComfyUI',
];

const CRASH_LINES = [
  'Traceback (most recent call last):',
  '  File "/workspace/runpod-slim/ComfyUI/main.py", line 195, in <module>',
  '    import execution',
  "ModuleNotFoundError: No module named 'einops'",
];

const DRIVER_LINES = [
  'Traceback (most recent call last):',
  '  File "/workspace/runpod-slim/ComfyUI/main.py", line 195, in <module>',
  '    import execution',
  '  File "/workspace/runpod-slim/ComfyUI/comfy/model_management.py", line 237, in get_torch_device',
  '    return torch.device(torch.cuda.current_device())',
  'RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update your GPU driver.',
];

const INSTALL_LINES = [
  "Cloning into '/workspace/runpod-slim/ComfyUI'...",
  'Creating and activating virtual environment',
  'Collecting comfyui-frontend-package',
  '  Downloading comfyui_frontend_package-py3-none-any.whl (9.9 MB)',
  'Collecting transformers>=4.50.3',
  '  Downloading transformers-4.57.1-py3-none-any.whl (12.0 MB)',
  'Installing collected packages: safetensors, transformers, comfyui-frontend-package',
  'Successfully installed comfyui-frontend-package safetensors transformers-4.57.1',
];

function splitImage(image: string): { name: string; tag: string } {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/')
    ? { name: image.slice(0, colon), tag: image.slice(colon + 1) }
    : { name: image, tag: 'latest' };
}

function bar(done: string, size: string): string {
  const filled = Math.max(1, Math.round((megabytes(done) / megabytes(size)) * BAR_WIDTH));
  return `[${'='.repeat(filled - 1)}>${' '.repeat(BAR_WIDTH - filled)}]`;
}

function megabytes(text: string): number {
  return Number.parseFloat(text) * (text.endsWith('GB') ? 1000 : 1);
}
