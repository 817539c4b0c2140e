import { readFile, rm } from 'node:fs/promises';
import * as z from 'zod';
import { type Failure, isFailureCode } from '../../errors.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import type { FleetHome } from '../home.ts';

const shape = z.object({
  /** Of what keeps files from their bucket. */
  code: z.string(),
  detail: z.record(z.string(), z.any()),
  /** ISO 8601, UTC: since when. */
  since: z.string(),
});

export interface Trouble extends Failure {
  since: string;
}

/** What keeps files from where they belong, as the server has last seen it; for whoever looks from beside it. */
export async function troubleOf({
  storageTrouble,
}: Pick<FleetHome, 'storageTrouble'>): Promise<Trouble | null> {
  const text = await readFile(storageTrouble, 'utf8').catch(() => undefined);
  try {
    const { code, ...trouble } = shape.parse(JSON.parse(text ?? 'null'));
    return isFailureCode(code) ? { code, ...trouble } : null;
  } catch {
    return null;
  }
}

export async function noteTrouble(
  { storageTrouble }: Pick<FleetHome, 'storageTrouble'>,
  trouble: Trouble | null,
): Promise<void> {
  if (trouble === null) await rm(storageTrouble, { force: true });
  else await writeFileAtomic(storageTrouble, `${JSON.stringify(trouble)}\n`);
}
