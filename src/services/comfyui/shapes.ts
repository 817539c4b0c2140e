import * as z from 'zod';

// What ComfyUI answers, of every version recorded; more may be in it, and what is not used is not looked at.

/** `[number, prompt_id, prompt, extra_data, outputs]`. The rest may hold account tokens: it goes nowhere. */
const queueItem = z.tuple([z.number().nullable(), z.string()], z.unknown());

export const queueShape = z.looseObject({
  queue_running: z.array(queueItem).default([]),
  queue_pending: z.array(queueItem).default([]),
});

const message = z.tuple([z.string(), z.looseObject({}).catch({})], z.unknown());

/** ComfyUI before 0.2 has no status; a `null` stands where a prompt did not get to say. */
const statusShape = z
  .looseObject({
    status_str: z.string().nullish(),
    completed: z.boolean().nullish(),
    messages: z.array(message).catch([]).default([]),
  })
  .nullish();

/** By node, by kind (`images`, `gifs`, `audio`, `3d`, …), whatever that node tells. */
const outputsShape = z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).catch({});

export const historyEntryShape = z.looseObject({
  prompt: z.array(z.unknown()).catch([]).default([]),
  outputs: outputsShape.default({}),
  status: statusShape,
});

export type HistoryEntry = z.infer<typeof historyEntryShape>;

export const jobShape = z.looseObject({
  id: z.string(),
  status: z.string(),
  outputs: outputsShape.default({}),
  execution_status: statusShape,
  workflow: z.looseObject({ prompt: z.unknown() }).nullish(),
});

export const fileShape = z.looseObject({
  filename: z.string().min(1),
  subfolder: z.string().nullish(),
  type: z.enum(['output', 'temp', 'input']).catch('output'),
});

const nodeError = z.looseObject({
  class_type: z.string().nullish(),
  errors: z
    .array(
      z.looseObject({
        message: z.string().catch('').default(''),
        details: z.string().catch('').default(''),
      }),
    )
    .catch([])
    .default([]),
});

/** An empty list stands for none in some versions. */
const nodeErrors = z.record(z.string(), nodeError).catch({}).default({});

export type NodeErrors = z.infer<typeof nodeErrors>;

export const acceptedShape = z.looseObject({
  prompt_id: z.string(),
  number: z.number().catch(0).default(0),
  node_errors: nodeErrors,
});

export const refusedShape = z.looseObject({
  error: z.union([
    z.string(),
    z.looseObject({
      message: z.string().catch('').default(''),
      details: z.string().catch('').default(''),
      extra_info: z.looseObject({ node_id: z.unknown() }).catch({ node_id: undefined }).optional(),
    }),
  ]),
  node_errors: nodeErrors,
});

export const storedShape = z.looseObject({
  name: z.string().min(1),
  subfolder: z.string().nullish(),
});
