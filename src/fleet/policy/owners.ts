import { appendFile } from 'node:fs/promises';
import { GrownFile } from '../../store/grown-file.ts';
import type { FleetHome } from '../home.ts';

/** Whose each pod is or was: what it has cost is theirs, also once its record is gone. */
export class Owners {
  readonly #path: string;
  readonly #file: GrownFile;
  #known = new Map<string, string>();

  constructor({ owners }: Pick<FleetHome, 'owners'>) {
    this.#path = owners;
    this.#file = new GrownFile(owners);
  }

  /** Asked twice for one pod, nothing is changed by it. */
  async note(podId: string, owner: string): Promise<void> {
    if ((await this.all()).get(podId) === owner) return;
    // It begins with a line feed, so that a line cut off by a crash does not swallow this one.
    await appendFile(this.#path, `\n${JSON.stringify({ podId, owner })}`, { mode: 0o600 });
  }

  /** By the pod's id. Not to be changed. */
  async all(): Promise<ReadonlyMap<string, string>> {
    const { isAnew, lines } = await this.#file.look();
    if (isAnew) this.#known = new Map();
    for (const [podId, owner] of lines.flatMap(parsed)) this.#known.set(podId, owner);
    return this.#known;
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
