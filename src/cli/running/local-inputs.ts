import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import type { JobInput } from '../../machines/job-types.ts';
import { type Definitions, type Prompt, settables } from '../../workflow/index.ts';

/** Files of this machine by their content; each is read once, however many jobs take it. */
export class LocalFiles {
  readonly #known = new Map<string, Promise<Omit<JobInput, 'targets'> | undefined>>();

  /** Undefined where there is no such file. */
  file(path: string): Promise<Omit<JobInput, 'targets'> | undefined> {
    const known = this.#known.get(path) ?? contentOf(path);
    this.#known.set(path, known);
    return known;
  }
}

/**
 * The files of this machine that a prompt names in its pictures, sounds and videos. What a workflow itself names is
 * looked for in `folders` and below them, and nowhere else: workflows come from others. `given` holds, by
 * `NODE.INPUT` with the node's id, what the user named: that may lie anywhere.
 */
export async function localInputs(
  prompt: Prompt,
  definitions: Definitions,
  { folders, given, files }: { folders: string[]; given: ReadonlySet<string>; files: LocalFiles },
): Promise<JobInput[]> {
  const inputs = new Map<string, JobInput>();
  for (const { node, input, isFile, value } of settables(prompt, definitions)) {
    if (!isFile || typeof value !== 'string' || value === '') continue;
    const isGiven = given.has(`${node}.${input}`);
    const paths = isGiven ? [resolve(value)] : folders.flatMap((folder) => within(folder, value));
    for (const path of paths) {
      const found = await files.file(path);
      if (!found) continue;
      const known = inputs.get(found.sha256) ?? { ...found, targets: [] };
      known.targets.push({ nodeId: node, input });
      inputs.set(found.sha256, known);
      break;
    }
  }
  return [...inputs.values()];
}

function within(folder: string, name: string): string[] {
  if (isAbsolute(name) || name.includes('\0')) return [];
  const path = join(folder, name);
  return /^\.\.($|[/\\])/.test(relative(folder, path)) ? [] : [path];
}

async function contentOf(path: string): Promise<Omit<JobInput, 'targets'> | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isFile()) return undefined;
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new AutopodError('usage', { message: `${path} cannot be read: ${(error as Error).message}.` });
  }
  return { path, sha256: hash.digest('hex'), bytes: entry.size };
}
