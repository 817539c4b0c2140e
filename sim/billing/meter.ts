import type { Scenario } from '../scenario.ts';
import type { Pod } from '../world/pod.ts';
import type { Span } from './buckets.ts';

const HOUR_MS = 3_600_000;
const MONTH_HOURS = 730;

/** USD per GB and month, as RunPod's price list has them. */
const DISK = { container: 0.1, persistent: 0.1, persistentStopped: 0.2 };
const VOLUME = { STANDARD: 0.07, HIGH_PERFORMANCE: 0.14 };

/** What was used at one rate, USD per hour. */
interface Use extends Span {
  id: string;
  gpuPerHour: number;
  diskPerHour: number;
}

export interface Amounts {
  gpu: number;
  disk: number;
}

/** What the account has used and at which rates; pods that are gone stay in it. */
export class Meter {
  readonly #began = Date.now();
  readonly #past: Use[] = [];
  readonly #present = new Map<string, Omit<Use, 'to'>>();

  /** The pod's state has changed: what it uses from now on is another thing. */
  note(pod: Pod, now = Date.now()): void {
    const before = this.#present.get(pod.id);
    if (before) this.#past.push({ ...before, to: now });
    this.#present.delete(pod.id);
    const rates = podRates(pod);
    if (rates.gpuPerHour + rates.diskPerHour > 0)
      this.#present.set(pod.id, { id: pod.id, from: now, ...rates });
  }

  /** Every pod of the window with what it used there, as far as it is booked. */
  pods(span: Span, { billing }: Scenario): Map<string, Amounts> {
    const present = [...this.#present.values()].map((use) => ({ ...use, to: Date.now() }));
    const told = billing.past.flatMap((use) => (use.podId ? [scripted(use.podId, use)] : []));
    return summed([...told, ...this.#past, ...present], span, booked(billing));
  }

  /** Every network volume likewise; storage counts as `disk`. */
  volumes(span: Span, { billing, networkVolumes }: Scenario): Map<string, Amounts> {
    const now = Date.now();
    const present = networkVolumes.map(({ id, size, type }) => ({
      id,
      from: this.#began,
      to: now,
      gpuPerHour: 0,
      diskPerHour: (size * VOLUME[type]) / MONTH_HOURS,
    }));
    const told = billing.past.flatMap((use) =>
      use.networkVolumeId ? [scripted(use.networkVolumeId, use)] : [],
    );
    return summed([...told, ...present], span, booked(billing));
  }
}

function podRates({ status, spec, hardware }: Pod): { gpuPerHour: number; diskPerHour: number } {
  const persistent = spec.mounts.persistent?.size ?? 0;
  const monthly = (gb: number, rate: number) => (gb * rate) / MONTH_HOURS;
  if (status === 'TERMINATED') return { gpuPerHour: 0, diskPerHour: 0 };
  if (status === 'EXITED') return { gpuPerHour: 0, diskPerHour: monthly(persistent, DISK.persistentStopped) };
  return {
    gpuPerHour: hardware.pricePerGpuHour * spec.gpu.count,
    diskPerHour: monthly(spec.disk, DISK.container) + monthly(persistent, DISK.persistent),
  };
}

function scripted(id: string, use: Scenario['billing']['past'][number]): Use {
  const { gpuPerHour, diskPerHour } = use;
  return { id, from: Date.parse(use.from), to: Date.parse(use.to), gpuPerHour, diskPerHour };
}

function booked({ lagMs }: Scenario['billing']): number {
  return Date.now() - lagMs;
}

function summed(uses: Use[], { from, to }: Span, bookedUntil: number): Map<string, Amounts> {
  const sums = new Map<string, Amounts>();
  for (const use of uses) {
    const hours = (Math.min(use.to, to, bookedUntil) - Math.max(use.from, from)) / HOUR_MS;
    if (hours <= 0) continue;
    const { gpu, disk } = sums.get(use.id) ?? { gpu: 0, disk: 0 };
    sums.set(use.id, { gpu: gpu + hours * use.gpuPerHour, disk: disk + hours * use.diskPerHour });
  }
  return sums;
}
