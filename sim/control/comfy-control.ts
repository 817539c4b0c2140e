import * as z from 'zod';
import type { ComfyUi } from '../comfyui/comfyui.ts';
import { OUT_OF_MEMORY } from '../comfyui/script.ts';
import { comfyScriptChanges } from '../scenario.ts';

const count = z.int().nonnegative();

const failure = z.strictObject({
  type: z.string().default('RuntimeError'),
  message: z.string().default('it failed'),
});

const viewFault = z.strictObject({
  delayMs: z.number().nonnegative().default(0),
  bytesPerSecond: z.int().positive().nullable().default(null),
  cutAfterBytes: count.nullable().default(null),
  /** How many answers; null for all. */
  times: z.int().positive().nullable().default(null),
});

const comfyBody = z.strictObject({
  state: z.enum(['up', 'down', 'hanging']).optional(),
  /** The process ends and is back at once: queue and history are lost, files are not. */
  restart: z.literal(true).optional(),
  /** Replaces the queue by jobs that never end by themselves. */
  queue: z.strictObject({ running: z.int().min(0).max(1).default(0), pending: count.default(0) }).optional(),
  /** Its answers have NaN and Infinity in them, as Python writes them. */
  nan: z.boolean().optional(),
  /** Something else answers at its port; null takes it back. */
  instead: z.enum(['page', 'login', 'redirect']).nullish(),
  /** Of this pod alone: keys of the scenario's `comfyui`. */
  script: comfyScriptChanges.optional(),
  /** The next job fails at a node, whatever it is; or the next so many do. */
  fail: z.union([failure, count]).optional(),
  /** The next so many jobs run out of the GPU's memory. */
  oom: count.optional(),
  /** The next so many prompts are taken, and the connection is cut before the answer. */
  loseAnswers: count.optional(),
  /** The connections of the next so many prompts are cut before they are read. */
  dropPrompts: count.optional(),
  /** How files are sent; null as they should be. */
  view: viewFault.nullable().optional(),
  /** Nothing can be written: uploads are a 500, and saving nodes fail. */
  diskFull: z.boolean().optional(),
});

/** Does to one ComfyUI what the body says. @throws ZodError */
export function controlComfyUi(comfyui: ComfyUi, body: unknown): void {
  const told = comfyBody.parse(body);
  const { faults } = comfyui;
  if (told.nan !== undefined) comfyui.writesNaN = told.nan;
  if (told.instead !== undefined) comfyui.instead = told.instead ?? undefined;
  if (told.script) Object.assign(comfyui.overrides, told.script);
  if (typeof told.fail === 'number') faults.failures = Array(told.fail).fill(failure.parse({}));
  else if (told.fail) faults.failures = [told.fail];
  if (told.oom !== undefined) faults.failures = Array(told.oom).fill(OUT_OF_MEMORY);
  if (told.loseAnswers !== undefined) faults.lostAnswers = told.loseAnswers;
  if (told.dropPrompts !== undefined) faults.droppedPrompts = told.dropPrompts;
  if (told.view !== undefined) faults.view = told.view;
  if (told.diskFull !== undefined) faults.diskFull = told.diskFull;
  if (told.restart || told.state === 'down') comfyui.stop();
  if (told.restart || told.state === 'up') comfyui.start();
  if (told.state === 'hanging') comfyui.hang();
  if (told.queue) scriptQueue(comfyui, told.queue.running + told.queue.pending);
}

function scriptQueue({ queue }: ComfyUi, jobs: number): void {
  queue.reset();
  const prompt = { '1': { class_type: 'PreviewImage', inputs: {} } };
  for (let index = 0; index < jobs; index++) queue.submit(prompt, { isEndless: true });
}
