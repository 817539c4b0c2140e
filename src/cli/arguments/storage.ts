import { InvalidArgumentError } from 'commander';
import { AutopodError } from '../../errors.ts';

const UNITS: Record<string, number> = { kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

/** `500MB`, `20GB`, `1.5TB`; in bytes. */
export function byteSize(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]b)$/i.exec(value) ?? [];
  const bytes = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? 0));
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('It takes a size with its unit such as 500MB, 20GB or 1.5TB.');
}

/** Where files go: a bucket, with the beginning of all keys, or the disk. */
export type StoragePlace = 'disk' | { bucket: string; prefix: string };

/** `s3://BUCKET`, `s3://BUCKET/PREFIX`, or `disk`. Throws `usage`. */
export function storagePlace(value: string): StoragePlace {
  if (value === 'disk') return value;
  const [, bucket = '', prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(value) ?? [];
  const parts = prefix.replace(/\/$/, '').split('/');
  const isPlain = prefix === '' || parts.every((part) => /^[\w!()*'.-]+$/.test(part) && !/^\.+$/.test(part));
  if (bucket !== '' && isPlain) return { bucket, prefix: prefix.replace(/\/$/, '') };
  throw new AutopodError('usage', {
    message: `Files of jobs cannot be kept at “${value}”.`,
    next: 'It takes a bucket such as s3://studio or s3://studio/made, of letters, digits, dots and dashes; or disk.',
  });
}

export function storageStyle(value: string): 'path' | 'virtual' {
  if (value === 'path' || value === 'virtual') return value;
  throw new InvalidArgumentError('It takes path or virtual.');
}

export function region(value: string): string {
  if (/^[a-z0-9-]{2,32}$/.test(value)) return value;
  throw new InvalidArgumentError('It takes a region such as eu-central-1, or auto.');
}
