/** What is about to be bought or started. */
export interface Purchase {
  /** Of the record it is for; undefined for a pod that is only started. */
  launchId?: string;
  podId?: string;
  /** USD; undefined where RunPod does not tell. */
  costPerHour: number | undefined;
  /** When it will be stopped, epoch milliseconds; left out, what the record says. */
  stopAt?: number | undefined;
  /** A pod that is ended as soon as this one is there. */
  endsPodId?: string | undefined;
  /** Of a fleet: for whom it is, where no record says so yet. */
  owner?: string | undefined;
}

/** Does what costs from then on, if the limits allow it. Throws `limitReached`, and then has done nothing. */
export type Spend = <T>(purchase: Purchase, signal: AbortSignal, act: () => Promise<T>) => Promise<T>;
