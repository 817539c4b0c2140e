import type { Note } from '../../lifecycle/environment.ts';
import { text, usd } from '../text.ts';
import { FAILURE_WORDS } from './failures.ts';
import { guardSentence } from './guard.ts';
import { replacementText } from './replacement.ts';

/** A note as one line of progress; undefined for what is only worth showing live. */
export function noteWords(note: Note): string {
  switch (note.kind) {
    case 'planned':
      return `${note.candidates.length} candidate${note.candidates.length === 1 ? '' : 's'}`;
    case 'leftOut':
      return text.leftOut(note.tooOld);
    case 'trying':
      return text.trying(note.candidate, note.number, note.of);
    case 'created':
      return text.created(note.podId, usd(note.costPerHour));
    case 'adopted':
      return text.found(note.podId);
    case 'twinTerminated':
      return text.twinTerminated(note.podId, note.keptPodId);
    case 'twinSeen':
      return text.twinSeen(note.podId, note.keptPodId, usd(note.costPerHour));
    case 'tookPort':
      return text.tookPort(note.podId, note.localPort);
    case 'guard':
      return guardSentence(note.podId, note.guard);
    case 'unproven':
      return text.unproven(note.podId, note.watchedBy);
    case 'brokenEnded':
      return replacementText.brokenEnded(note.podId);
    case 'powerTaken':
      return text.powerTaken(note.action, usd(note.costPerHour), note.forMs / 1000);
    case 'waitingForBuyer':
      return text.waitingForBuyer(note.holder, note.forMs / 1000);
    case 'launchLimited':
      return text.autoStop(note.podId, note.plan);
    case 'billingUnread':
      return text.billingUnread();
    case 'keysUnread':
      return text.keysUnread();
    case 'podLog':
      return note.line;
    case 'waitingForApi': {
      const { code, detail } = note.failure;
      const asked = detail.retryAfterSeconds;
      const { what, why } = FAILURE_WORDS[code]({ ...detail, retryAfterSeconds: undefined });
      const words = [what, why].filter(Boolean).join(' ');
      return text.waitingForApi(words, note.forMs / 1000, typeof asked === 'number' ? asked : undefined);
    }
    case 'lookingFurther':
      return text.lookingFurther(note.forMs / 1000);
    case 'stateSetAside':
      return text.stateSetAside(note.from, note.to);
  }
}
