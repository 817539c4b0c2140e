import { readFileSync } from 'node:fs';

/** What a command that only reads needs to know of a pod. */
export interface KnownPod {
  recordId: string;
  podId: string | null;
  name: string;
}

/** The pods on record, read without the store and its library; none when the file cannot be read. */
export function knownPods(podsPath: string): KnownPod[] {
  const { records = {} } = parse(podsPath);
  return Object.entries(records).map(([recordId, { facts }]) => ({
    recordId,
    podId: facts?.podId ?? null,
    name: facts?.wish?.name ?? '',
  }));
}

interface PodsFile {
  records?: Record<string, { facts?: { podId?: string | null; wish?: { name?: string } } }>;
}

function parse(path: string): PodsFile {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PodsFile;
  } catch {
    return {}; // none yet, or unreadable: the next command that writes it sets it aside
  }
}
