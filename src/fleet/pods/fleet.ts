import type { Failure } from '../../errors.ts';
import type { KeeperClient, OpenRequest } from '../../keeper/client.ts';
import type { PodStore } from '../../lifecycle/pod-records.ts';
import type { Shares } from '../../lifecycle/spending.ts';
import type { Timings } from '../../lifecycle/timings.ts';
import type { Limits } from '../../services/limits.ts';
import type { RunPod } from '../../services/runpod/client.ts';
import type { PrivateKey } from '../../services/ssh/key.ts';
import type { Journal } from '../../store/journal.ts';
import type { ProcessIdentity } from '../../store/process-identity.ts';
import type { FleetHome } from '../home.ts';
import type { People } from '../people/people.ts';
import type { Owners } from '../policy/owners.ts';
import type { Policies } from '../policy/policy.ts';
import type { Schedule } from './schedule.ts';

/** Somebody who would have another pod. */
export interface MaySpend {
  owner: string;
  /** USD; left out where it is not known yet: then it is asked whether anything more may be spent at all. */
  costPerHour?: number | undefined;
}

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
  policies: Policies;
  /** What each member may spend of the account. */
  shares: Shares;
  people: People;
  owners: Owners;
  /** Why that may not be spent now, for whatever policy there is; null where it may. */
  mayBeSpent: (asking: MaySpend) => Promise<Failure | null>;
  /** Has the engine look after what the policy says of a pod, from now on. */
  watchPod: (launchId: string) => Promise<void>;
  /** This process, as others may prove that it lives. */
  self: () => Promise<ProcessIdentity>;
  schedule: Schedule;
  log: (line: string) => void;
}
