import type { Failure, FailureDetail } from '../errors.ts';
import type { GuardStanding, KeeperClient, OpenRequest } from '../keeper/client.ts';
import type { Candidate } from '../machines/pod-types.ts';
import type { RunPod } from '../services/runpod/client.ts';
import type { BelowFloor } from '../services/runpod/placement.ts';
import type { PodSeen } from '../services/runpod/pod-state.ts';
import type { PrivateKey } from '../services/ssh/key.ts';
import type { AutoStop } from '../store/plans.ts';
import type { ProcessIdentity } from '../store/process-identity.ts';
import type { Deadline } from './deadline.ts';
import type { Spend } from './purchase.ts';
import type { Timings } from './timings.ts';

/** What happens inside a state, for whoever watches. Not kept: the journal has the transitions. */
export type Note =
  | { kind: 'planned'; candidates: Candidate[] }
  | { kind: 'leftOut'; tooOld: BelowFloor[] }
  | { kind: 'trying'; candidate: Candidate; number: number; of: number }
  | { kind: 'created'; podId: string; costPerHour: number }
  | { kind: 'adopted'; podId: string }
  | { kind: 'twinTerminated'; podId: string; keptPodId: string }
  | { kind: 'twinSeen'; podId: string; keptPodId: string; costPerHour: number }
  | { kind: 'unproven'; podId: string; watchedBy: 'session' | 'http' }
  | { kind: 'guard'; podId: string; guard: GuardStanding }
  | { kind: 'tookPort'; podId: string; localPort: number }
  | { kind: 'powerTaken'; podId: string; action: 'stop' | 'end'; costPerHour: number; forMs: number }
  | { kind: 'waitingForBuyer'; holder: FailureDetail; forMs: number }
  | { kind: 'billingUnread' }
  | { kind: 'launchLimited'; podId: string; plan: AutoStop }
  | { kind: 'keysUnread' }
  | { kind: 'podLog'; source: 'system' | 'container'; line: string }
  | { kind: 'brokenEnded'; podId: string }
  | { kind: 'waitingForApi'; failure: Failure; forMs: number }
  | { kind: 'lookingFurther'; forMs: number }
  | { kind: 'stateSetAside'; from: string; to: string };

/** What the steps of a launch need from outside. */
export interface Environment {
  runpod: RunPod;
  keeper: KeeperClient;
  privateKey: () => Promise<PrivateKey>;
  account: OpenRequest['account'];
  /** This process, as others may prove that it lives. */
  self: () => Promise<ProcessIdentity>;
  timings: Timings;
  /** When the command gives up waiting. */
  deadline: Deadline;
  tell: (note: Note) => void;
  /** Notes what the pod has cost until now; `isLast` when this run of it is ended now. */
  book: (seen: PodSeen, isLast: boolean) => Promise<void>;
  /** Buys or starts within the user's limits. */
  spend: Spend;
  /** Has the pod stopped when it has cost `max_per_launch`. */
  limitLaunch: (podId: string, signal: AbortSignal) => Promise<void>;
}
