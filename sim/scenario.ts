import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { OPERATION_IDS } from './api/document.ts';
import { DEFAULT_DATA_CENTERS } from './catalog/data-centers.ts';
import { DEFAULT_GPUS } from './catalog/gpus.ts';
import { DEFAULT_HOST_CUDA } from './catalog/host-cuda.ts';
import { DEFAULT_MODELS } from './catalog/models.ts';
import { DEFAULT_STOCK, STOCK_LEVELS } from './catalog/stock.ts';
import { faultSchema } from './faults.ts';

const ms = (usual: number) => z.number().nonnegative().default(usual);
const volumeType = z.enum(['STANDARD', 'HIGH_PERFORMANCE']);

const latencies = z.strictObject({
  /** PROVISIONING lasts this long. */
  provisioningMs: ms(400),
  /** STARTING lasts this long, with image-pull progress in the system log. */
  imagePullMs: ms(1500),
  /** From RUNNING until `ssh.direct` is known. */
  publicPortMs: ms(100),
  /** From then until sshd accepts. */
  sshdMs: ms(500),
  /** From then until the keys of `PUBLIC_KEY` are let in. */
  authorizedKeysMs: ms(0),
  /** From sshd until ComfyUI answers. */
  comfyStartMs: ms(1400),
  /** From an accepted stop until EXITED. */
  stopMs: ms(300),
  /** The second and later starts of a pod. */
  laterBoot: z
    .strictObject({ provisioningMs: ms(200), imagePullMs: ms(200), sshdMs: ms(300), comfyStartMs: ms(800) })
    .prefault({}),
});

const gpu = z.strictObject({
  id: z.string(),
  name: z.string(),
  pool: z.string().nullable().default(null),
  manufacturer: z.enum(['NVIDIA', 'AMD', 'UNKNOWN']).default('NVIDIA'),
  memory: z.int().positive(),
  secure: z.boolean().default(true),
  community: z.boolean().default(false),
  price: z.strictObject({
    secure: z.number(),
    community: z.number().default(0),
    serverless: z.number().optional(),
  }),
  maxCount: z.strictObject({ secure: z.int(), community: z.int() }).default({ secure: 8, community: 4 }),
  cudaVersions: z.array(z.string()).default(['12.8']),
});

const dataCenter = z.strictObject({
  id: z.string(),
  name: z.string(),
  country: z.string().length(2),
  region: z.enum(['NORTH_AMERICA', 'EUROPE', 'ASIA', 'OCEANIA']),
  networkVolumeTypes: z.array(volumeType).default(['STANDARD']),
  compliance: z.array(z.string()).default([]),
  globalNetwork: z.boolean().default(true),
});

const networkVolume = z.strictObject({
  id: z.string(),
  name: z.string(),
  size: z.int().min(10).max(4096),
  dataCenter: z.string(),
  type: volumeType.default('STANDARD'),
});

const someMs = z.number().nonnegative();

const pastUse = z
  .strictObject({
    podId: z.string().optional(),
    networkVolumeId: z.string().optional(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    /** USD. */
    gpuPerHour: z.number().nonnegative().default(0),
    /** USD; of a network volume its storage. */
    diskPerHour: z.number().nonnegative().default(0),
  })
  .refine(({ podId, networkVolumeId }) => (podId === undefined) !== (networkVolumeId === undefined), {
    error: 'it is about one of podId and networkVolumeId',
  });

const billing = z.strictObject({
  /** How long what was used is not booked yet. */
  lagMs: ms(0),
  /** What was used before the simulator began, by pods that may be gone. */
  past: z.array(pastUse).default([]),
});

const comfyScript = z.strictObject({
  /** Which recorded version answers. */
  version: z.enum(['0.3.64', '0.33.0']),
  /** How long a job runs besides, spread over its nodes. */
  jobMs: someMs,
  /** How long each node takes. */
  nodeMs: someMs,
  /** How long each step of a sampler takes. */
  stepMs: someMs,
  /** From `execution_success` on the socket until the history has the job. */
  historyLagMs: someMs,
  /** Whether samplers send a picture with each step. */
  previews: z.boolean(),
  /** Model files, by folder. */
  models: z.record(z.string(), z.array(z.string())),
  /** What `/extensions` lists. */
  extensions: z.array(z.string()),
  /** The longest body it takes; a longer one is a 413. */
  maxBodyBytes: z.int().positive(),
  /** A real ComfyUI that answers in its place. */
  at: z.url({ protocol: /^http$/ }).nullable(),
});

/** Some of what a ComfyUI follows. */
export const comfyScriptChanges = comfyScript.partial();

const comfyui = z.strictObject({
  version: comfyScript.shape.version.default('0.33.0'),
  jobMs: ms(1000),
  nodeMs: ms(0),
  stepMs: ms(0),
  historyLagMs: ms(0),
  previews: comfyScript.shape.previews.default(false),
  models: comfyScript.shape.models.default(() => structuredClone(DEFAULT_MODELS)),
  extensions: comfyScript.shape.extensions.default([]),
  maxBodyBytes: comfyScript.shape.maxBodyBytes.default(104_857_600),
  at: comfyScript.shape.at.default(null),
  /** `1.2` installs at the first boot and logs to a file; `1.3` copies, and logs to the container's log. */
  imageRelease: z.enum(['1.2', '1.3']).default('1.3'),
  /** Whether it crashes as it starts. The pod runs on. */
  crashes: z.boolean().default(false),
});

const knownFault = faultSchema.refine(
  ({ route }) => route === '*' || OPERATION_IDS.has(route),
  'route is not an operationId of the API document',
);

/** Everything that can be scripted, with its defaults. */
const scenarioSchema = z.strictObject({
  latencies: latencies.prefault({}),
  gpus: z.array(gpu).default(() => structuredClone([...DEFAULT_GPUS])),
  dataCenters: z.array(dataCenter).default(() => structuredClone([...DEFAULT_DATA_CENTERS])),
  stock: z
    .record(z.string(), z.record(z.string(), z.enum(STOCK_LEVELS)))
    .default(() => structuredClone(DEFAULT_STOCK)),
  /** Where hosts report other CUDA versions than their GPU type does elsewhere. */
  hostCudaVersions: z
    .record(z.string(), z.record(z.string(), z.array(z.string())))
    .default(() => structuredClone(DEFAULT_HOST_CUDA)),
  /** GPU types this account may not use: creating one is a 403. */
  closedGpus: z.array(z.string()).default([]),
  networkVolumes: z
    .array(networkVolume)
    .default(() => [
      { id: 'abc123xyz', name: 'comfy-models', size: 200, dataCenter: 'US-GA-1', type: 'STANDARD' as const },
    ]),
  /** Public keys registered with the account. */
  sshKeys: z.array(z.string()).default([]),
  /** The most pods a page of `GET /pods` holds, whatever is asked for. */
  podsPerPage: z.int().min(1).max(1000).default(1000),
  /** Whether the pods of an image share its host key, as those of ComfyUI's image do, or make one at each start. */
  hostKeys: z.enum(['image', 'boot']).default('image'),
  /** How long `GET /pods` does not show a pod just created. */
  listLagMs: ms(0),
  /** How long `GET /pods/{id}` is a 404 for a pod just created. */
  getLagMs: ms(0),
  rateLimit: z.strictObject({ perMinute: z.int().positive().default(6000) }).prefault({}),
  /** USD left; nothing can be created or started at zero. */
  balance: z.number().default(25),
  /** Whether a start is refused because others have the host's GPUs. */
  fullOnResume: z.boolean().default(false),
  /** GPU types whose hosts have no public IP: ports are never mapped. */
  withoutPublicIp: z.array(z.string()).default([]),
  /** GPU types whose hosts have a driver that the image's torch cannot use. */
  oldDrivers: z.array(z.string()).default([]),
  /** Whether a started pod comes back without its GPU. */
  zeroGpusOnResume: z.boolean().default(false),
  /** Whether log event ids are bare timestamps or, as in the document's example, carry a sequence. */
  logIds: z.enum(['timestamp', 'timestamp/sequence']).default('timestamp'),
  billing: billing.prefault({}),
  faults: z.array(knownFault).default([]),
  comfyui: comfyui.prefault({}),
  /** Validate every answer against the API document; a wrong one is a 500 that says where. */
  checkAnswers: z.boolean().default(() => process.env.SIM_CHECK_ANSWERS === '1'),
});

export type Scenario = z.output<typeof scenarioSchema>;
export type ScenarioInput = z.input<typeof scenarioSchema>;
export type Latencies = Scenario['latencies'];

/** Everything at once, for tests. */
export const INSTANT: Latencies = {
  provisioningMs: 0,
  imagePullMs: 0,
  publicPortMs: 0,
  sshdMs: 0,
  authorizedKeysMs: 0,
  comfyStartMs: 0,
  stopMs: 0,
  laterBoot: { provisioningMs: 0, imagePullMs: 0, sshdMs: 0, comfyStartMs: 0 },
};

export class ScenarioError extends Error {
  override name = 'ScenarioError';
}

/** A whole scenario from a partial one. @throws ScenarioError naming each wrong or unknown key. */
export function parseScenario(input: unknown = {}): Scenario {
  const result = scenarioSchema.safeParse(input);
  if (result.success) return result.data;
  throw new ScenarioError(result.error.issues.map(describeIssue).join('\n'));
}

/** Reads a scenario from a JSON file. @throws ScenarioError */
export async function loadScenario(file: string): Promise<ScenarioInput> {
  try {
    const input: unknown = JSON.parse(await readFile(file, 'utf8'));
    parseScenario(input);
    return input as ScenarioInput;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ScenarioError(`scenario ${file}: there is no such file`);
    }
    throw new ScenarioError(`scenario ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.length > 0 ? issue.path.join('.') : 'scenario';
  if (issue.code !== 'unrecognized_keys') return `${place}: ${issue.message}`;
  return `${place}: unknown key${issue.keys.length > 1 ? 's' : ''} ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
}
