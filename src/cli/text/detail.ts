import type { FailureDetail } from '../../errors.ts';
import { uptimeWords } from './uptime.ts';

// Parts of a failure's detail, as its words take them.

export function str(value: FailureDetail[string]): string {
  return Array.isArray(value) ? value.join(', ') : String(value ?? '');
}

export function strOr(value: FailureDetail[string]): string | undefined;
export function strOr(value: FailureDetail[string], otherwise: string): string;
export function strOr(value: FailureDetail[string], otherwise?: string): string | undefined {
  return value === undefined || value === '' ? otherwise : str(value);
}

export function list(value: FailureDetail[string]): string[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [String(value)];
}

export function nearWords({ near }: FailureDetail): string {
  return list(near).length
    ? `Did you mean ${list(near).join(', ')}?`
    : 'See RunPod’s catalogue for the names.';
}

export function holder({ program, pid, podId }: FailureDetail): string {
  if (podId) return ` by the tunnel of pod ${str(podId)}`;
  if (program && pid) return ` by ${str(program)} (process ${pid})`;
  return pid ? ` by process ${pid}` : '';
}

/** `30s`, `12m`, `24h 00m`. */
export function durationWords(seconds: FailureDetail[string]): string {
  return typeof seconds === 'number' ? uptimeWords(seconds) : str(seconds);
}

export function rate({ costPerHour }: FailureDetail): string {
  return typeof costPerHour === 'number' ? ` and costs $${costPerHour.toFixed(2)}/h` : '';
}

/** What a pod that never worked has cost, where that is known. */
export function spent({ spent: usd }: FailureDetail): string {
  return typeof usd === 'number' ? ` It has cost $${usd.toFixed(2)} so far.` : '';
}

export function inItsPlace({ podId }: FailureDetail): string {
  return `End it and try the next candidate with \`autopod up ${str(podId)} --replace-broken\`, or only end it with \`autopod kill ${str(podId)}\`.`;
}
