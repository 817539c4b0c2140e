import type { FailureDetail } from '../../errors.ts';
import { momentOf } from './time.ts';
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
    : '`autopod gpus --all` lists the names.';
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

/** Another autopod that holds something: what it is, where, and since when. */
export function holderWords({ pid, command, host, isUnseen, isSuspended, since }: FailureDetail): string {
  const name = command ? `\`autopod ${str(command)}\`` : 'Another autopod';
  const place = host ? ` on ${str(host)}` : isUnseen ? ' in another container' : '';
  const time = isUnseen && since ? `, since ${clockTime(str(since))}` : '';
  return `${name} (process ${pid}${place}${time}${isSuspended ? ', suspended' : ''})`;
}

export function holderAdvice({ pid, host, isUnseen, isSuspended, file }: FailureDetail): string {
  if (isSuspended) return `It is suspended: bring it back with fg, or end it with kill -9 ${pid}.`;
  if (!isUnseen) return 'Try again; if it hangs, end that process.';
  const place = host ? str(host) : 'its container';
  return `Wait for it, or end it there. If ${place} is known to be gone, clear its claim: rm ${str(file)}`;
}

/** What a pod that never worked has cost, where that is known. */
export function spent({ spent: usd }: FailureDetail): string {
  return typeof usd === 'number' ? ` It has cost $${usd.toFixed(2)} so far.` : '';
}

export function inItsPlace({ podId }: FailureDetail): string {
  return `End it and try the next candidate with \`autopod up ${str(podId)} --replace-broken\`, or only end it with \`autopod kill ${str(podId)}\`.`;
}

/** The local time of an RFC 3339 one, to the minute, as the locale writes it. */
export function clockTime(at: string): string {
  const when = new Date(at);
  return Number.isNaN(when.getTime()) ? at : momentOf(when);
}

/** What an interrupted command leaves behind, and what that costs. */
export function leftWords({
  podId,
  status,
  costPerHour,
  isCreateOpen,
  isNothingCreated,
}: FailureDetail): string {
  if (isNothingCreated) return 'No pod was created, so nothing costs.';
  if (isCreateOpen) return 'RunPod was being asked for a pod and may have made one. What was begun is saved.';
  if (podId && status)
    return `Pod ${str(podId)} is ${str(status)}${rate({ costPerHour })}. What was begun is saved.`;
  return podId ? `Pod ${str(podId)} may run and cost. What was begun is saved.` : 'What was begun is saved.';
}

/** What an interrupted command that had begun nothing says of that. */
export function untouchedWords({ isUntouched, isNothingWritten }: FailureDetail): string {
  if (isNothingWritten) return 'Nothing was written.';
  return isUntouched ? 'Nothing was begun: no pod was created or changed.' : '';
}

/** A node of a workflow: `node 3 “Save Image”`. */
export function node({ nodeId, title }: FailureDetail): string {
  return `node ${str(nodeId)}${title ? ` “${str(title)}”` : ''}`;
}

export function onPod({ podId }: FailureDetail): string {
  return podId ? ` on pod ${str(podId)}` : '';
}

export function megabytes(bytes: FailureDetail[string]): string {
  return typeof bytes === 'number' ? `${(bytes / 1e6).toFixed(1)} MB` : str(bytes);
}
