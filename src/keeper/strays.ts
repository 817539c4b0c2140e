import { readdir } from 'node:fs/promises';
import { parse } from 'node:path';
import { endMaster, masterFiles } from '../services/ssh/master.ts';

/**
 * Ends every ssh in the runtime folder that no record knows: it was being opened or replaced when the last keeper was
 * killed. Its end is not waited for: it may be stuck, and the tunnels that are wanted shall not wait.
 */
export async function endStrays(runtime: string, known: Set<string | undefined>): Promise<void> {
  const files = (await readdir(runtime)).filter((name) => /^[0-9a-f]{12}\.(ctl|sock|err)$/.test(name));
  const strays = new Set(files.map((name) => parse(name).name).filter((id) => !known.has(id)));
  for (const id of strays) void endMaster(masterFiles(runtime, id), undefined);
}
