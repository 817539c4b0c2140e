import type { NetworkVolume, Pod } from './shapes.ts';

// RunPod's price list (docs.runpod.io/pods/storage, November 2026). USD per GB and month.
const VOLUME = { STANDARD: 0.07, HIGH_PERFORMANCE: 0.14 };
const BEYOND_A_TERABYTE = 0.05;
const STOPPED_DISK = 0.2;

/** USD a month for a network volume by RunPod's price list; undefined where its size is not known. */
export function volumePerMonth({ size, type }: NetworkVolume): number | undefined {
  if (size === null || size === undefined) return undefined;
  if (type === 'HIGH_PERFORMANCE') return size * VOLUME.HIGH_PERFORMANCE;
  const first = Math.min(size, 1000);
  return first * VOLUME.STANDARD + (size - first) * BEYOND_A_TERABYTE;
}

/** USD a month for the disk a pod keeps while it is stopped; 0 where it has none but a network volume's. */
export function stoppedDiskPerMonth({ mounts }: Pick<Pod, 'mounts'>): number {
  return (mounts?.persistent?.size ?? 0) * STOPPED_DISK;
}
