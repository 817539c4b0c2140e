import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseDuration } from '../duration.ts';
import { AutopodError } from '../errors.ts';
import { userHome } from '../user.ts';
import type { Limits } from './limits.ts';
import { isCudaFloor, NO_CUDA_FLOOR } from './runpod/cuda.ts';

const DEFAULT_API_URL = 'https://api.runpod.io/v2';

/** A duration, or `never`. */
const delay = z.string().refine((value) => delayMs(value) !== undefined, {
  error: ({ input }) => `“${input}” is neither a duration such as 30m, 2h or 1h30m, nor never`,
});

/** When a pod is stopped by itself. */
const stops = {
  stop_after: delay.nullish(),
  idle_stop: delay.nullish(),
  if_alone: delay.nullish(),
  // biome-ignore lint/suspicious/noThenProperty: it is called as its flag is.
  then: z.enum(['stop', 'kill']).nullish(),
};
type Stops = z.infer<z.ZodObject<typeof stops>>;

const file = z.looseObject({
  providers: z
    .looseObject({
      runpod: z
        .looseObject({
          api_key: z.string().optional(),
          ssh_key_path: z.string().optional(),
          default_template: z.string().optional(),
          cloud_type: z.string().optional(),
          default_datacenter: z.string().nullish(),
          default_volume_id: z.string().nullish(),
          default_volume_mount: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  defaults: z
    .looseObject({
      gpu_preferences: z.array(z.string()).optional(),
      gpu_count: z.number().int().positive().optional(),
      min_cuda_version: z
        .string()
        .refine(isCudaFloor, { error: ({ input }) => `“${input}”: ${NO_CUDA_FLOOR}` })
        .nullish(),
      ...stops,
    })
    .optional(),
  // What is misspelt would stop nothing.
  pods: z.record(z.string(), z.strictObject(stops)).optional(),
  port_templates: z.record(z.string(), z.record(z.string(), z.string())).optional(),
  // A limit that is misspelt would limit nothing.
  limits: z
    .strictObject({
      max_pods: z.number().int().positive(),
      max_per_hour: z.number().positive(),
      max_per_day: z.number().positive(),
      max_per_launch: z.number().positive(),
    })
    .partial()
    .optional(),
  security: z.looseObject({ require_proof: z.boolean().optional() }).optional(),
});

/** The settings in force: environment over file over defaults. Flags come on top, where they exist. */
export interface Config {
  apiUrl: string;
  /** From the environment, `config.json`, or runpodctl's own file; in this order. */
  apiKey: string | undefined;
  /** Which of them has it. */
  apiKeySource: 'RUNPOD_API_KEY' | 'config.json' | '~/.runpod/config.toml' | undefined;
  sshKeyPath: string | undefined;
  image: string;
  cloud: string;
  dataCenterId: string | undefined;
  volumeId: string | undefined;
  volumeMount: string;
  gpuPreferences: string[];
  gpuCount: number;
  /** The lowest CUDA version of a host, or `none`; undefined leaves it to the image. */
  minCudaVersion: string | undefined;
  /** Labels of an image's ports: `{image: {port: label}}`. */
  portTemplates: Record<string, Record<string, string>>;
  /** No tunnel goes to a pod that has not proven itself, not even where its login shell only does not answer. */
  isProofRequired: boolean;
  limits: Limits;
  /** When a pod that is made or started is stopped by itself. */
  autoStop: StopDefaults;
  /** The same of single pods, by name or id. */
  autoStopOf: Record<string, StopDefaults>;
}

/** Null for never, and for what is not said. */
export interface StopDefaults {
  stopAfterMs: number | null;
  idleMs: number | null;
  aloneMs: number | null;
  ending: 'stop' | 'kill' | null;
}

/** Reads `config.json` in the Python autopod's format. Throws `configMalformed` naming file, place and reason, and `usage` for an AUTOPOD_API_URL that is none. */
export async function loadConfig(path: string, env: NodeJS.ProcessEnv): Promise<Config> {
  const { providers, defaults, pods, port_templates, security, limits } = await readConfigFile(path);
  const runpod = providers?.runpod ?? {};
  const autoStop = stopDefaults(defaults ?? {});
  return {
    apiUrl: webAddress(env.AUTOPOD_API_URL || DEFAULT_API_URL),
    ...(await apiKeyOf(runpod.api_key, env)),
    sshKeyPath: expandHome(runpod.ssh_key_path || undefined, env),
    image: runpod.default_template || 'runpod/comfyui:latest',
    cloud: runpod.cloud_type || 'SECURE',
    dataCenterId: runpod.default_datacenter || undefined,
    volumeId: runpod.default_volume_id || undefined,
    volumeMount: runpod.default_volume_mount || '/workspace',
    gpuPreferences: defaults?.gpu_preferences ?? ['RTX A40', 'RTX A6000', 'RTX A5000'],
    gpuCount: defaults?.gpu_count ?? 1,
    minCudaVersion: defaults?.min_cuda_version ?? undefined,
    portTemplates: port_templates ?? {},
    isProofRequired: security?.require_proof ?? false,
    limits: {
      maxPods: limits?.max_pods,
      maxPerHour: limits?.max_per_hour,
      maxPerDay: limits?.max_per_day,
      maxPerLaunch: limits?.max_per_launch,
    },
    autoStop,
    autoStopOf: Object.fromEntries(
      Object.entries(pods ?? {}).map(([pod, own]) => [pod, stopDefaults(own, autoStop)]),
    ),
  };
}

const NEVER: StopDefaults = { stopAfterMs: null, idleMs: null, aloneMs: null, ending: null };

function stopDefaults(
  { stop_after, idle_stop, if_alone, then: ending }: Stops,
  besides = NEVER,
): StopDefaults {
  const said = (value: string | null | undefined, other: number | null) =>
    value == null ? other : (delayMs(value) ?? null);
  return {
    stopAfterMs: said(stop_after, besides.stopAfterMs),
    idleMs: said(idle_stop, besides.idleMs),
    aloneMs: said(if_alone, besides.aloneMs),
    ending: ending ?? besides.ending,
  };
}

/** Undefined for what is neither a duration nor `never`; null for that. */
function delayMs(value: string | null | undefined): number | null | undefined {
  if (value == null) return undefined;
  if (value === 'never') return null;
  try {
    return parseDuration(value);
  } catch {
    return undefined;
  }
}

async function apiKeyOf(
  inFile: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Pick<Config, 'apiKey' | 'apiKeySource'>> {
  const ofEnvironment = env.RUNPOD_API_KEY?.trim();
  if (ofEnvironment) return { apiKey: ofEnvironment, apiKeySource: 'RUNPOD_API_KEY' };
  const ofFile = inFile?.trim();
  if (ofFile) return { apiKey: ofFile, apiKeySource: 'config.json' };
  const ofRunpodctl = await runpodctlKey(env);
  return { apiKey: ofRunpodctl, apiKeySource: ofRunpodctl ? '~/.runpod/config.toml' : undefined };
}

function webAddress(url: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new AutopodError('usage', {
    message: `AUTOPOD_API_URL is “${url}”, which is no web address.`,
    next: `Unset it for RunPod's own API, or name another such as http://127.0.0.1:4010/v2.`,
  });
}

/** Of a key, enough to tell it from another one. */
export function redactKey(key: string | undefined): string | undefined {
  return key === undefined ? undefined : `…${key.length > 12 ? key.slice(-4) : ''}`;
}

async function readConfigFile(path: string): Promise<z.infer<typeof file>> {
  const text = await readTextFile(path);
  if (text === undefined) return {};
  const parsed = file.safeParse(parseJson(path, text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AutopodError('configMalformed', {
    file: path,
    place: issue?.path.join('.') || 'top level',
    reason: issue?.message ?? 'not a config',
  });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = (error as Error).message;
    throw new AutopodError('configMalformed', { file: path, place: placeIn(text, reason), reason });
  }
}

// V8 tells either a position, or line and column, or only the last bytes it saw.
function placeIn(text: string, reason: string): string {
  const position = /position (\d+)/.exec(reason)?.[1];
  const before = text.slice(0, position === undefined ? text.length : Number(position));
  const lines = before.split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

async function runpodctlKey(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const text = await readTextFile(join(userHome(env), '.runpod', 'config.toml'));
  return text === undefined ? undefined : /^\s*api_?key\s*=\s*["']([^"']+)["']/im.exec(text)?.[1];
}

/** The text of a file; undefined where there is none. Throws `configMalformed`. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return decoded(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AutopodError('configMalformed', {
      file: path,
      place: 'file',
      reason: (error as Error).message,
    });
  }
}

/** Text of a file that an editor of Windows may have written: UTF-16, or UTF-8 with a mark at its beginning. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

function expandHome(path: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return path?.startsWith('~/') ? join(userHome(env), path.slice(2)) : path;
}
