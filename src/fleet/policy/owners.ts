import { appendFile, readFile } from 'node:fs/promises';
import type { FleetHome } from '../home.ts';

/** Whose each pod is or was: what it has cost is theirs, also once its record is gone. */
export class Owners {
  readonly #path: string;

  constructor({ owners }: Pick<FleetHome, 'owners'>) {
    this.#path = owners;
  }

  /** Asked twice for one pod, nothing is changed by it. */
  async note(podId: string, owner: string): Promise<void> {
    if ((await this.all()).get(podId) === owner) return;
    // It begins with a line feed, so that a line cut off by a crash does not swallow this one.
    await appendFile(this.#path, `\n${JSON.stringify({ podId, owner })}`, { mode: 0o600 });
  }

  async all(): Promise<Map<string, string>> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    return new Map(text.split('\n').flatMap(parsed));
  }
}

function parsed(line: string): [string, string][] {
  try {
    const { podId, owner } = JSON.parse(line) as { podId?: unknown; owner?: unknown };
    return typeof podId === 'string' && typeof owner === 'string' ? [[podId, owner]] : [];
  } catch {
    return [];
  }
}
