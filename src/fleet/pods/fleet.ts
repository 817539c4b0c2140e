import type { Failure } from '../../errors.ts';
import type { KeeperClient, OpenRequest } from '../../keeper/client.ts';
import type { PodStore } from '../../lifecycle/pod-records.ts';
import type { Timings } from '../../lifecycle/timings.ts';
import type { Limits } from '../../services/limits.ts';
import type { RunPod } from '../../services/runpod/client.ts';
import type { PrivateKey } from '../../services/ssh/key.ts';
import type { Journal } from '../../store/journal.ts';
import type { FleetHome } from '../home.ts';
import type { Schedule } from './schedule.ts';

/** What the pods of a fleet are joined to. */
export interface Fleet {
  home: FleetHome;
  runpod: RunPod;
  /** Of the server's own home: it opens a tunnel for the time of a proof that ComfyUI answers. */
  keeper: KeeperClient;
  account: OpenRequest['account'];
  privateKey: () => Promise<PrivateKey>;
  /** Public keys of all who may use the pods, one line each. */
  memberKeys: () => Promise<string[]>;
  /** A record for each launch, written after the machine has moved: what the gateway shows, and what limits look at. */
  pods: PodStore;
  journal: Journal;
  timings: Timings;
  limits: Limits;
  schedule: Schedule;
  /** Why no pod may be made for a pool now, for whatever policy there is; null where one may. */
  mayBeSpent: (asking: { pool: string; owner: string }) => Promise<Failure | null>;
  log: (line: string) => void;
}
