import { parseDuration } from '../duration.ts';
import { AutopodError } from '../errors.ts';
import { isCudaFloor, NO_CUDA_FLOOR } from './runpod/cuda.ts';

/** One setting of config.json as `config set` takes it. */
export interface Setting {
  name: string;
  /** Where it stands in the file. */
  path: string[];
  isSecret?: boolean;
  /** The value to keep, or the reason against it. */
  read: (value: string) => unknown;
}

const runpod = (name: string, read: Setting['read'] = (value) => value): Setting => ({
  name,
  path: ['providers', 'runpod', name],
  read,
});

/** Every setting that can be set by name. */
export const SETTINGS: Setting[] = [
  { ...runpod('api_key'), isSecret: true },
  runpod('ssh_key_path'),
  runpod('default_template'),
  runpod('cloud_type', oneOf(['SECURE', 'COMMUNITY', 'ALL'])),
  runpod('default_datacenter'),
  runpod('default_volume_id'),
  runpod('default_volume_mount', absolutePath),
  { name: 'gpu_preferences', path: ['defaults', 'gpu_preferences'], read: list },
  { name: 'gpu_count', path: ['defaults', 'gpu_count'], read: positiveInteger },
  { name: 'min_cuda_version', path: ['defaults', 'min_cuda_version'], read: cudaVersion },
  ...['stop_after', 'idle_stop', 'if_alone'].map((name) => ({
    name,
    path: ['defaults', name],
    read: delay,
  })),
  { name: 'then', path: ['defaults', 'then'], read: ending },
  { name: 'max_pods', path: ['limits', 'max_pods'], read: positiveInteger },
  ...['max_per_hour', 'max_per_day', 'max_per_launch'].map((name) => ({
    name,
    path: ['limits', name],
    read: usd,
  })),
  { name: 'require_proof', path: ['security', 'require_proof'], read: trueOrFalse },
];

/** By its name, or by its whole path such as `providers.runpod.api_key`. */
export function settingNamed(name: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.name === name || setting.path.join('.') === name);
}

/** The file's content with one setting changed; an empty value takes it out. Throws `usage` for a value that cannot be. */
export function withSetting(
  content: Record<string, unknown>,
  { path, read }: Setting,
  value: string,
): Record<string, unknown> {
  return put(content, path, value === '' ? undefined : read(value));
}

function put(content: Record<string, unknown>, path: string[], value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path;
  if (rest.length > 0) {
    const inner = (content[name] ?? {}) as Record<string, unknown>;
    return { ...content, [name]: put(inner, rest, value) };
  }
  if (value !== undefined) return { ...content, [name]: value };
  const { [name]: _removed, ...others } = content;
  return others;
}

function oneOf(choices: string[]): Setting['read'] {
  return (value) => {
    if (choices.includes(value.toUpperCase())) return value.toUpperCase();
    throw new AutopodError('usage', { message: `“${value}” is not one of ${choices.join(', ')}.` });
  };
}

function delay(value: string): string {
  if (value === 'never') return value;
  try {
    parseDuration(value);
    return value;
  } catch (error) {
    throw new AutopodError('usage', {
      message: `“${value}” is no duration: ${(error as Error).message}`,
      next: 'Such as 30m, 2h or 1h30m; or never.',
    });
  }
}

function ending(value: string): string {
  if (value === 'stop' || value === 'kill') return value;
  throw new AutopodError('usage', { message: `“${value}” is neither stop nor kill.` });
}

function cudaVersion(value: string): string {
  if (isCudaFloor(value)) return value;
  throw new AutopodError('usage', { message: `“${value}” is no CUDA version.`, next: NO_CUDA_FLOOR });
}

function trueOrFalse(value: string): boolean {
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new AutopodError('usage', { message: `“${value}” is neither true nor false.` });
}

function absolutePath(value: string): string {
  if (value.startsWith('/')) return value;
  throw new AutopodError('usage', { message: `“${value}” is not an absolute path.` });
}

function list(value: string): string[] {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  if (names.length > 0) return names;
  throw new AutopodError('usage', {
    message: `“${value}” names nothing.`,
    next: 'Names are separated by commas.',
  });
}

function positiveInteger(value: string): number {
  if (/^[1-9]\d*$/.test(value)) return Number(value);
  throw new AutopodError('usage', { message: `“${value}” is not a whole number of at least 1.` });
}

function usd(value: string): number {
  const amount = Number(value.replace(/^\$/, ''));
  if (/^\$?\d*\.?\d+$/.test(value) && amount > 0 && Number.isFinite(amount)) return amount;
  throw new AutopodError('usage', { message: `“${value}” is no amount in USD such as 1.50.` });
}
