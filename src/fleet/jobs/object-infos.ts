import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ComfyWay, objectInfo } from '../../services/comfyui/index.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { makeFolder } from '../../store/home.ts';
import type { FleetHome } from '../home.ts';

const ANSWER_MS = 120_000;
/** Milliseconds after which what a ComfyUI has is asked for again: nodes and models come and go. */
const AGE_MS = 10 * 60_000;

/** What ComfyUI's nodes take, as a pod with an image last told, so that workflows can be turned and checked while none runs. */
export class ObjectInfos {
  readonly #folder: string;
  readonly #log: (line: string) => void;
  readonly #learnedAt = new Map<string, number>();

  constructor({ root }: Pick<FleetHome, 'root'>, log: (line: string) => void) {
    this.#folder = join(root, 'object-info');
    this.#log = log;
  }

  /** As ComfyUI has told it; undefined where no pod with this image has been ready yet. */
  async of(image: string): Promise<string | undefined> {
    return readFile(this.#path(image), 'utf8').catch(() => undefined);
  }

  /** Asks a ComfyUI once in a while; nobody waits for it. */
  learn(image: string, way: () => ComfyWay): void {
    const path = this.#path(image);
    const now = performance.now();
    const age = now - (this.#learnedAt.get(path) ?? Number.NEGATIVE_INFINITY);
    if (age < AGE_MS && existsSync(path)) return;
    if (age < ANSWER_MS && this.#learnedAt.has(path)) return;
    this.#learnedAt.set(path, now);
    this.#ask(path, way).catch((error: Error) => {
      this.#learnedAt.delete(path);
      this.#log(`no /object_info of ${image}: ${error.message}`);
    });
  }

  async #ask(path: string, way: () => ComfyWay): Promise<void> {
    const text = await objectInfo(way(), AbortSignal.timeout(ANSWER_MS));
    makeFolder(this.#folder);
    await writeFileAtomic(path, text);
  }

  #path(image: string): string {
    return join(this.#folder, `${createHash('sha256').update(image).digest('hex')}.json`);
  }
}
