import * as z from 'zod';

/**
 * The parts of RunPod's answers that autopod depends on. Everything else passes unread, and a value RunPod
 * adds later (a status, a field) never breaks us.
 */
const endpoint = z.looseObject({ host: z.string(), port: z.number(), username: z.string() });

const text = z.string().nullish().catch(null);
const number = z.number().nullish().catch(null);
/** The variables that are text; any other value says nothing to us, and takes none of the others with it. */
const variables = z
  .record(z.string(), z.unknown())
  .transform(
    (env): Record<string, string> =>
      Object.fromEntries(
        Object.entries(env).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
  );

/** Only the id is needed to act on a pod. Of a field that cannot be read nothing is known, and the pod is still there. */
export const podShape = z.looseObject({
  id: z.string().min(1),
  name: z.string().catch(''),
  status: z.string().catch('UNREADABLE'),
  image: text,
  env: variables.nullish().catch(null),
  disk: number,
  ports: z.array(z.string()).nullish().catch(null),
  gpu: z.looseObject({ id: text, count: number }).nullish().catch({ id: null, count: null }),
  cloud: text,
  dataCenterId: text,
  mounts: z
    .looseObject({
      network: z.array(z.looseObject({ volumeId: z.string(), path: z.string() })).nullish(),
      persistent: z.looseObject({ size: number }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  ssh: z
    .looseObject({ direct: endpoint.nullish().catch(null) })
    .nullish()
    .catch(null),
  cost: number,
  locked: z.boolean().nullish().catch(null),
  actions: z.array(z.string()).nullish().catch(null),
  runtime: z.looseObject({ uptime: number }).nullish().catch(null),
  createdAt: text,
  startedAt: text,
});
/** Each pod is read by itself. One without an id is nobody's to act on. */
export const podListShape = z.looseObject({
  pods: z.array(z.unknown()).transform((pods) => pods.flatMap((pod) => podShape.safeParse(pod).data ?? [])),
  pagination: z.looseObject({ nextCursor: z.string().nullish(), hasNextPage: z.boolean() }).nullish(),
});

export const volumeShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  size: z.number().nullish(),
  dataCenter: z.string(),
  type: text,
});
export const volumeListShape = z.looseObject({ networkVolumes: z.array(volumeShape) });

export const keysShape = z.looseObject({ keys: z.array(z.string()) });

const placeShape = z.looseObject({ id: z.string(), name: z.string().nullish(), availability: z.string() });
export const gpuShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  memory: z.number().nullish(),
  secure: z.boolean().nullish(),
  community: z.boolean().nullish(),
  price: z.looseObject({ secure: z.number().nullish(), community: z.number().nullish() }),
  maxCount: z.looseObject({ secure: z.number().nullish(), community: z.number().nullish() }).nullish(),
  availability: z.string().nullish(),
  dataCenters: z.array(placeShape).nullish(),
});
export const gpuListShape = z.looseObject({ gpus: z.array(gpuShape) });

export const dataCenterShape = z.looseObject({ id: z.string(), name: z.string().nullish() });
export const dataCenterListShape = z.looseObject({ dataCenters: z.array(dataCenterShape) });

export const problemShape = z.looseObject({
  title: z.string().nullish(),
  detail: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
});

export const logLineShape = z.looseObject({ source: z.string(), line: z.string(), ts: z.string() });

export type Pod = z.infer<typeof podShape>;
export type NetworkVolume = z.infer<typeof volumeShape>;
export type GpuType = z.infer<typeof gpuShape>;
export type DataCenter = z.infer<typeof dataCenterShape>;
export type LogLine = z.infer<typeof logLineShape>;
