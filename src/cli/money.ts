import type { PodSeen } from '../services/runpod/pod-state.ts';

/** USD since the pod was last started: running time only, at the present rate. */
export function spentThisRun({ uptimeSeconds, costPerHour }: PodSeen): number {
  return (uptimeSeconds / 3600) * costPerHour;
}

/** `3h 05m`, `12m`, `40s`. */
export function uptimeWords(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}
