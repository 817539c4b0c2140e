import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../duration.ts';
import { isCudaFloor, NO_CUDA_FLOOR } from '../../services/runpod/cuda.ts';
import { printable } from '../output/printable.ts';

/** A whole number of at least `least`, at most `most`, or a clear usage error. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
      throw new InvalidArgumentError(`It takes a whole number ${range}.`);
    }
    return number;
  };
}

export function localPort(value: string): number | 'auto' {
  if (value === 'auto') return 'auto';
  return portNumber(value);
}

export function portNumber(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('It takes a port from 1 to 65535.');
  }
  return port;
}

/** As `parseDuration`, with a usage error. */
export function durationMs(value: string): number {
  try {
    return parseDuration(value);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** `10m` ago, or an RFC 3339 time; as RFC 3339. */
export function since(value: string, now: Date): string {
  const time = Date.parse(value);
  if (/^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(time)) return new Date(time).toISOString();
  try {
    return new Date(now.getTime() - durationMs(value)).toISOString();
  } catch {
    throw new InvalidArgumentError(
      'It takes a duration such as 10m, or an RFC 3339 time such as 2026-11-23T02:00:00Z.',
    );
  }
}

/** `2026-11-01`, or an RFC 3339 time; epoch milliseconds. A day begins as RunPod's does, in UTC. */
export function sinceDate(value: string): number {
  const time = Date.parse(value);
  const isDay = /^\d{4}-\d\d-\d\d$/.test(value);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value);
  const isReal = !Number.isNaN(time) && (!isDay || new Date(time).toISOString().startsWith(value));
  if (isReal && (isDay || isTime)) return time;
  throw new InvalidArgumentError(
    'It takes a day such as 2026-11-01, or a time such as 2026-11-01T08:00:00Z.',
  );
}

/** USD. */
export function price(value: string): number {
  const usd = Number(value.replace(/^\$/, ''));
  if (!Number.isFinite(usd) || usd <= 0) {
    throw new InvalidArgumentError('It takes an amount in USD such as 0.80.');
  }
  return usd;
}

/** Milliseconds, or `never`. */
export function delayOrNever(value: string): number | 'never' {
  return value === 'never' ? value : durationMs(value);
}

export function cloudType(value: string): 'SECURE' | 'COMMUNITY' | 'ALL' {
  const cloud = value.toUpperCase();
  if (cloud === 'SECURE' || cloud === 'COMMUNITY' || cloud === 'ALL') return cloud;
  throw new InvalidArgumentError('It takes SECURE, COMMUNITY or ALL.');
}

/** `12.8`, or `none` for any. */
export function minCuda(value: string): string {
  const floor = value.toLowerCase();
  if (isCudaFloor(floor)) return floor;
  throw new InvalidArgumentError(NO_CUDA_FLOOR);
}

/** RunPod writes its data centers in capitals. */
export function dataCenter(value: string): string {
  return value.toUpperCase();
}

const SSH_PORT = 22;

/** `PORT[:LABEL]`. */
export function exposedPort(value: string, before: { port: number; label?: string }[] = []) {
  const [port = '', ...label] = value.split(':');
  if (portNumber(port) === SSH_PORT) {
    throw new InvalidArgumentError('ssh is always there; it takes the port of another service.');
  }
  const exposed = { port: portNumber(port), ...(label.length > 0 && { label: label.join(':') }) };
  return [...before, exposed];
}

/** Address of a WebSocket on this machine: what a machine tells does not leave it. */
export function loopbackSocket(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isHere = url && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url?.protocol !== 'ws:' || !isHere || value.includes('#')) {
    throw new InvalidArgumentError('It takes an address on this machine such as ws://localhost:8080.');
  }
  return value;
}

/** A pod's name as one word of lists and files: what a terminal would not print is refused. */
export function podName(value: string): string {
  if (printable(value) !== value) {
    throw new InvalidArgumentError('It takes a name without control characters.');
  }
  return value;
}

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
