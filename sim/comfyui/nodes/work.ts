import { type Paint, pngSize } from '../files/png.ts';
import { insideFolder } from '../files/storage.ts';
import { OUT_OF_MEMORY } from '../script.ts';
import { savedBy } from './savers.ts';
import { type Images, isImages, type Made, NodeError, type Task } from './task.ts';

const SIDE_PIXELS = 64;
const BLACK: Images = { width: SIDE_PIXELS, height: SIDE_PIXELS, batch: 1, paint: { color: 0 } };

/** Does what the node does. @throws NodeError, DiskFullError */
export function work(task: Task): Made {
  const { className, inputs } = task;
  if (className === 'SimFail') {
    const message = String(inputs.message);
    if (inputs.oom) throw new NodeError({ ...OUT_OF_MEMORY, message: `CUDA out of memory. ${message}` });
    throw new NodeError({ type: 'RuntimeError', message });
  }
  const ui = savedBy(task);
  return { outputs: outputsOf(task), ...(ui && { ui }) };
}

/** How long a node takes of its own accord, in milliseconds, and in how many steps. */
export function pace({ className, inputs }: Pick<Task, 'className' | 'inputs'>): {
  ms: number;
  steps: number;
} {
  if (className.startsWith('Sim')) {
    return {
      ms: number(inputs.seconds, 0) * 1000,
      steps: className === 'SimSleep' ? number(inputs.steps, 1) : 0,
    };
  }
  return { ms: 0, steps: isSampler(className) ? stepsOf(inputs) : 0 };
}

export function isSampler(className: string): boolean {
  return /^(KSampler(Advanced)?|SamplerCustom(Advanced)?)$/.test(className);
}

function outputsOf(task: Task): unknown[] {
  const { className, definition, inputs, signature } = task;
  const given = Object.values(inputs).find(isImages);
  switch (className) {
    case 'EmptyImage':
      return [sized(inputs, { ...BLACK, paint: { color: number(inputs.color, 0) } })];
    case 'ImageInvert':
      return [given && { ...given, paint: inverted(given.paint) }];
    case 'LoadImage':
    case 'LoadImageMask':
    case 'LoadImageOutput':
      return definition.output.map(() => loaded(task));
    case 'SimSleep':
      return [given ?? BLACK];
    default:
      return definition.output.map((type) => outputOf(type, inputs, given ?? BLACK, signature));
  }
}

function outputOf(type: string, inputs: Record<string, unknown>, given: Images, signature: string): unknown {
  switch (type) {
    case 'IMAGE':
    case 'LATENT':
    case 'MASK':
      return { ...sized(inputs, given), paint: { seed: signature } };
    case 'INT':
    case 'FLOAT':
    case 'STRING':
    case 'BOOLEAN':
      return inputs.value ?? inputs.string ?? null;
    case 'SIGMAS':
      return { steps: stepsOf(inputs) };
    default:
      return null;
  }
}

function sized(inputs: Record<string, unknown>, images: Images): Images {
  return {
    ...images,
    width: number(inputs.width, images.width) || images.width,
    height: number(inputs.height, images.height) || images.height,
    batch: number(inputs.batch_size, number(inputs.amount, images.batch)),
  };
}

function inverted(paint: Paint): Paint {
  return 'color' in paint ? { color: paint.color ^ 0xffffff } : { seed: `not ${paint.seed}` };
}

function loaded({ inputs, storage, className }: Task): Images {
  const [, path = '', annotated] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(String(inputs.image)) ?? [];
  const at = path.lastIndexOf('/');
  const type = className === 'LoadImageOutput' ? 'output' : 'input';
  const file = storage.get({
    filename: path.slice(at + 1),
    subfolder: insideFolder(at < 0 ? '' : path.slice(0, at)),
    type: (annotated as typeof type) ?? type,
  });
  if (!file)
    throw new NodeError({
      type: 'FileNotFoundError',
      message: `[Errno 2] No such file or directory: '${path}'`,
    });
  const size = pngSize(file.content.slice(0, 24)) ?? BLACK;
  const head = file.content.slice(0, file.content.size).toString('latin1');
  return { ...BLACK, width: size.width, height: size.height, paint: { seed: head } };
}

function stepsOf(inputs: Record<string, unknown>): number {
  const sigmas = inputs.sigmas as { steps?: number } | null | undefined;
  return number(inputs.steps, sigmas?.steps ?? 20);
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
