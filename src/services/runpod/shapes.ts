import { z } from 'zod';

/**
 * The parts of RunPod's answers that autopod depends on. Everything else passes unread, and a value RunPod
 * adds later (a status, a field) never breaks us.
 */
const endpoint = z.looseObject({ host: z.string(), port: z.number(), username: z.string() });

export const podShape = z.looseObject({
  id: z.string().min(1),
  name: z.string().catch(''),
  status: z.string(),
  image: z.string().nullish(),
  env: z.record(z.string(), z.string()).nullish(),
  disk: z.number().nullish(),
  ports: z.array(z.string()).nullish(),
  gpu: z.looseObject({ id: z.string(), count: z.number().nullish() }).nullish(),
  cloud: z.string().nullish(),
  dataCenterId: z.string().nullish(),
  mounts: z
    .looseObject({ network: z.array(z.looseObject({ volumeId: z.string(), path: z.string() })).nullish() })
    .nullish(),
  ssh: z.looseObject({ direct: endpoint.nullish() }).nullish(),
  cost: z.number().nullish(),
  locked: z.boolean().nullish(),
  actions: z.array(z.string()).nullish(),
  runtime: z.looseObject({ uptime: z.number().nullish() }).nullish(),
  createdAt: z.string().nullish(),
  startedAt: z.string().nullish(),
});
export const podListShape = z.looseObject({
  pods: z.array(podShape),
  pagination: z.looseObject({ nextCursor: z.string().nullish(), hasNextPage: z.boolean() }).nullish(),
});

export const volumeShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  size: z.number().nullish(),
  dataCenter: z.string(),
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
