import { posix } from 'node:path';
import { encodeFlac, encodeWebp } from '../files/containers.ts';
import { bytes, type Content, madeWhenRead, noise } from '../files/content.ts';
import { encodePng, paddedPng } from '../files/png.ts';
import { type FileName, type FolderName, insideFolder, OutsideError } from '../files/storage.ts';
import { writeJson } from '../json.ts';
import { type Images, isImages, NodeError, type Task } from './task.ts';

type Ui = Record<string, unknown[]>;

const OTHER_BYTES = 20_000;

/** Files of the node, as its entry in the history names them. Undefined for a node that shows nothing. */
export function savedBy(task: Task): Ui | undefined {
  const { className, inputs } = task;
  switch (className) {
    case 'SaveImage':
    case 'SaveAnimatedPNG':
      return { images: saveImages(task, 'output', prefixOf(task)), ...animated(className) };
    case 'PreviewImage':
    case 'MaskPreview':
      return { images: saveImages(task, 'temp', temporaryPrefix(task)) };
    case 'SaveAnimatedWEBP':
      return { images: [saveOther(task, 'webp')], animated: [true] };
    case 'SaveWEBM':
      return { images: [saveOther(task, 'webm')], animated: [true] };
    case 'SaveVideo':
      return { images: [saveOther(task, 'mp4')], animated: [true] };
    case 'SaveAudio':
      return { audio: [saveOther(task, 'flac')] };
    case 'SaveAudioMP3':
      return { audio: [saveOther(task, 'mp3')] };
    case 'SaveAudioOpus':
      return { audio: [saveOther(task, 'opus')] };
    case 'PreviewAudio':
      return { audio: [saveOther(task, 'flac', 'temp')] };
    case 'SaveLatent':
      return { latents: [saveOther(task, 'latent')] };
    case 'SaveGLB':
      return { '3d': [saveOther(task, 'glb')] };
    case 'SaveSVGNode':
      return { images: [saveOther(task, 'svg')] };
    case 'PreviewAny':
      return { text: [String(inputs.source)] };
    case 'SimOutput':
      return saveAsAsked(task);
    default:
      return undefined;
  }
}

function animated(className: string): Ui {
  return className === 'SaveAnimatedPNG' ? { animated: [true] } : {};
}

function saveImages(task: Task, type: FolderName, prefix: string): FileName[] {
  const images = Object.values(task.inputs).find(isImages) ?? {
    width: 64,
    height: 64,
    batch: 1,
    paint: { color: 0 },
  };
  return Array.from({ length: images.batch }, (_, index) => {
    const picture = index === 0 || 'color' in images.paint ? images : nth(images, index);
    const texts = textsOf(task);
    return store(
      task,
      { type, prefix, ext: 'png', images, index },
      madeWhenRead(() => encodePng(picture, texts)),
    );
  });
}

function nth(images: Images, index: number): Images {
  return 'seed' in images.paint ? { ...images, paint: { seed: `${images.paint.seed} ${index}` } } : images;
}

function saveOther(task: Task, ext: string, type: FolderName = 'output'): FileName {
  const prefix = type === 'temp' ? temporaryPrefix(task) : prefixOf(task);
  return store(task, { type, prefix, ext, index: 0 }, otherContent(task, ext));
}

/** Bytes that stand for a film or a sound, with what the job was in them where that is simple. */
function otherContent(task: Task, ext: string): Content {
  if (ext === 'webp') return bytes(encodeWebp(textsOf(task)));
  if (ext === 'flac') return bytes(encodeFlac(textsOf(task)));
  return noise(task.signature, OTHER_BYTES);
}

/** The files of a SimOutput, each of the size asked for. */
function saveAsAsked(task: Task): Ui {
  const { inputs, signature } = task;
  const ext = String(inputs.ext).replace(/^\./, '');
  const size = Number(inputs.bytes);
  const files = Array.from({ length: Number(inputs.count) }, (_, index) => {
    const seed = `${signature} ${index}`;
    const picture = { width: 64, height: 64, paint: { seed } };
    const content = ext === 'png' ? paddedPng(picture, textsOf(task), size, seed) : noise(seed, size);
    return store(task, { type: 'output', prefix: prefixOf(task, 'sim'), ext, index }, content);
  });
  if (/^(flac|mp3|opus|wav)$/.test(ext)) return { audio: files };
  if (/^(mp4|webm|mkv|mov)$/.test(ext)) return { images: files, animated: [true] };
  return /^(png|webp|jpe?g|gif)$/.test(ext) ? { images: files } : { files };
}

interface Naming {
  type: FolderName;
  prefix: string;
  ext: string;
  images?: Images;
  index: number;
}

/** Gives the file the next number of its prefix. @throws NodeError for a prefix that leads out of the folder */
function store(task: Task, { type, prefix, ext, images, index }: Naming, content: Content): FileName {
  const filled = fillIn(prefix, images).replaceAll('%batch_num%', String(index));
  const at = filled.lastIndexOf('/');
  const subfolder = subfolderOf(at < 0 ? '' : filled.slice(0, at));
  const base = filled.slice(at + 1);
  const number = task.storage.nextNumber(type, subfolder, base);
  const filename = `${base}_${String(number).padStart(5, '0')}_.${ext}`;
  task.storage.put({ filename, subfolder, type }, content);
  return { filename, subfolder, type };
}

function subfolderOf(folder: string): string {
  try {
    return insideFolder(posix.normalize(folder || '.'));
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    throw new NodeError({
      type: 'Exception',
      message: `**** ERROR: Saving image outside the output folder is not allowed.\n full_output_folder: ${folder}`,
    });
  }
}

function prefixOf({ inputs }: Task, usual = 'ComfyUI'): string {
  return typeof inputs.filename_prefix === 'string' ? inputs.filename_prefix : usual;
}

function temporaryPrefix({ saver }: Task): string {
  return `ComfyUI_temp_${saver.temporarySuffix}`;
}

/** What ComfyUI itself replaces in a prefix; `%date:…%` and `%Node.input%` are the editor's. */
function fillIn(prefix: string, images: Images | undefined): string {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, '0');
  const values: Record<string, string> = {
    width: String(images?.width ?? 0),
    height: String(images?.height ?? 0),
    year: String(now.getFullYear()),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    second: two(now.getSeconds()),
  };
  return prefix.replace(/%(\w+)%/g, (whole, name: string) => values[name] ?? whole);
}

function textsOf({ saver: { prompt, info } }: Task): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ prompt, ...info }).map(([key, value]) => [key, writeJson(value)]),
  );
}
