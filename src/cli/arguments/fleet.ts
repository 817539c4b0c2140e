import { InvalidArgumentError } from 'commander';
import { portNumber } from './options.ts';

export interface ListenAddress {
  host: string;
  port: number;
}

/** `HOST:PORT`, `[::1]:PORT` or `:PORT` of this machine alone. */
export function listenAddress(value: string): ListenAddress {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([0-9a-f:]+)\]|([\w.-]*)):(\d+)$/i.exec(value) ?? [];
  if (port === '') throw new InvalidArgumentError('It takes an address and a port such as 127.0.0.1:7433.');
  return { host: bracketed ?? (plain || '127.0.0.1'), port: portNumber(port) };
}

const LOOPBACK = ['127.0.0.1', 'localhost', '::1', '[::1]'];

export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host);
}

/** The address of a gateway, without a path. Tokens go there, so that it is HTTPS, or on this machine. */
export function fleetUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !isSafe || url.pathname !== '/' || url.search || url.username) {
    throw new InvalidArgumentError(
      'It takes an https address without a path, such as https://pods.example.org:7433; http only on this machine.',
    );
  }
  return url.origin;
}

/** A fleet's address, or `none` for the pods of this machine. */
export function fleetOrNone(value: string): string {
  return value === 'none' ? value : fleetUrl(value);
}

export function role(value: string): string {
  if (['viewer', 'member', 'admin'].includes(value)) return value;
  throw new InvalidArgumentError('It takes viewer, member or admin.');
}

/** It goes into paths, and into the names of the pool's pods. */
export function poolName(value: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(value)) return value;
  throw new InvalidArgumentError('It takes small letters, digits and dashes, a letter first: at most 32.');
}

export function priority(value: string): number {
  if (/^[+-]?\d{1,3}$/.test(value) && Math.abs(Number(value)) <= 100) return Number(value);
  throw new InvalidArgumentError('It takes a whole number from -100 to 100.');
}

/** `22:00-07:00`, or `never`. */
export function quietHours(value: string): { from: string; until: string } | 'never' {
  if (value === 'never') return value;
  const [, from, until] = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value) ?? [];
  if (from && until && from !== until) return { from, until };
  throw new InvalidArgumentError('It takes two times of day such as 22:00-07:00, or never.');
}

/** Names between commas. */
export function names(value: string): string[] {
  const all = value.split(',').map((name) => name.trim());
  return [...new Set(all.filter((name) => name !== ''))];
}

/** A limit, or `none` for no limit. */
export function orNone(parse: (value: string) => number): (value: string) => number | 'none' {
  return (value) => (value === 'none' ? value : parse(value));
}

/** An address of HTTP without a path. */
export function httpOrigin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.username)
    return url.origin;
  throw new InvalidArgumentError('It takes an address without a path such as http://10.0.0.5:8080.');
}

export function identityKey(value: string): string {
  if (/^publickeyv1_[1-9A-HJ-NP-Za-km-z]{30,60}$/.test(value)) return value;
  throw new InvalidArgumentError('It takes a public key that begins with publickeyv1_.');
}

/** An option that may be said several times. */
export function several<T>(parse: (value: string) => T): (value: string, before?: T[]) => T[] {
  return (value, before = []) => [...before, parse(value)];
}
