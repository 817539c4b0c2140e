import type { Failure } from '../errors.ts';
import type { Candidate } from '../machines/pod-types.ts';
import type { JournalEntry } from '../store/journal.ts';

/** What happened, why, and what to do next. */
export interface Advice {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** What the inspector says about things that have a wording of their own. */
export interface Wording {
  failure: (failure: Failure) => Advice;
  /** A failure of which only the journal tells. */
  pastFailure: (entry: JournalEntry) => Advice;
  candidate: (candidate: Candidate) => string;
}

/** A pod, a tunnel, a guard or a job, as the page shows it. */
export interface Subject {
  /** `pod/`, `tunnel/`, `guard/` or `job/`, and the id its journal entries carry. */
  id: string;
  /** `pod@1`, `tunnel@1`, `guard@1` or `job@1`. */
  machine: string;
  /** A launch is a pod that RunPod has not made yet, or never did. */
  kind: 'pod' | 'launch' | 'tunnel' | 'guard' | 'job';
  title: string;
  podId: string | null;
  /** Id of the pod it stands under in the list; null when it stands by itself. */
  under: string | null;
  /** Such as `creating.placing`. */
  state: string;
  /** ISO 8601, UTC: when it entered its state, or was last saved; null when nobody knows. */
  since: string | null;
  /** ISO 8601, UTC: when waiting in this state is given up, where that is known. */
  until: string | null;
  /** No record is left of it; what is known is in the journal. */
  isPast: boolean;
  /** The process that moves it now; null when none does. */
  driver: number | null;
  failure: ({ code: string } & { words: Advice }) | null;
  /** Where the pod may be placed, in order, with what RunPod said; empty when it is not being placed. */
  candidates: PlacingStep[];
  /** The machine's context as far as it is kept. */
  facts: Record<string, unknown>;
}

export interface PlacingStep {
  words: string;
  /** Why RunPod did not place it there. */
  refusal: string | null;
  /** RunPod is being asked for it now. */
  isCurrent: boolean;
}
