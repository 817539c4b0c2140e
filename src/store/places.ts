import { readFileSync } from 'node:fs';
import { writeFileAtomic } from './atomic-file.ts';
import type { Home } from './home.ts';

/** What shell completion, which asks nobody, offers of an account. */
export interface Places {
  volumes?: { id: string; about: string }[];
  dataCenters?: string[];
}

/** Nothing where nothing was seen yet. */
export function knownPlaces({ places }: Pick<Home, 'places'>): Places {
  try {
    return JSON.parse(readFileSync(places, 'utf8')) as Places;
  } catch {
    return {}; // none yet, or unreadable: the next list of them writes it
  }
}

/** Keeps what was seen. Completion does without it, so a failure is none. */
export async function rememberPlaces(home: Pick<Home, 'places'>, seen: Places): Promise<void> {
  const text = JSON.stringify({ ...knownPlaces(home), ...seen });
  await writeFileAtomic(home.places, text).catch(() => undefined);
}
