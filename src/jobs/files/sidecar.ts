import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { diskFailure, sha256Of } from '../../services/comfyui/index.ts';

/** Writes FILE.json beside a file that was made: what made it, on what, in what time and for how much. */
export async function writeSidecar(facts: JobFacts, output: JobOutput): Promise<void> {
  const { path, sha256 } = output;
  if (path === null || sha256 === null) return;
  const target = `${path}.json`;
  // Another's file of this name stays.
  if ((await stat(target).catch(() => undefined)) && !(await readSidecar(target))) return;
  const draft = `${target}.part`;
  try {
    await writeFile(draft, `${JSON.stringify(told(facts, output), null, 2)}\n`, { flush: true });
    await rename(draft, target);
  } catch (error) {
    throw diskFailure(error, target);
  }
}

/**
 * The id of the job that made a file, by the sidecars in its folder and the file's SHA-256, or that a sidecar itself
 * tells; undefined when none does. A file that was renamed is found; one that was edited is not.
 */
export async function jobOfFile(path: string): Promise<string | undefined> {
  const there = await stat(path).catch(() => undefined);
  if (!there?.isFile()) return undefined;
  const own = await readSidecar(path);
  if (own) return own.job;
  let sha256: string | undefined;
  for (const candidate of await candidates(path)) {
    const sidecar = await readSidecar(candidate);
    if (sidecar?.bytes !== there.size) continue;
    sha256 ??= await sha256Of(path);
    if (sidecar.sha256 === sha256) return sidecar.job;
  }
  return undefined;
}

/** Its own sidecar first: most files were not renamed. */
async function candidates(path: string): Promise<string[]> {
  const own = `${path}.json`;
  const folder = dirname(path);
  const others = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return [own, ...others.map((name) => join(folder, name)).filter((other) => other !== own)];
}

interface Sidecar {
  job: string;
  bytes: number;
  sha256: string;
}

/** Undefined for what is not a sidecar. */
async function readSidecar(path: string): Promise<Sidecar | undefined> {
  try {
    if ((await stat(path)).size > MAX_SIDECAR) return undefined;
    const { madeBy, job, bytes, sha256 } = JSON.parse(await readFile(path, 'utf8'));
    const isOne = madeBy === 'autopod' && typeof job === 'string' && typeof sha256 === 'string';
    return isOne ? { job, bytes, sha256 } : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes; one has some thousand. */
const MAX_SIDECAR = 1 << 20;

function told(facts: JobFacts, output: JobOutput): object {
  const { ranOn, ranMs, usd, inputs, titles } = facts;
  return {
    madeBy: 'autopod',
    job: facts.jobId,
    batch: facts.batchId,
    index: facts.index,
    name: facts.name,
    file: {
      node: output.nodeId,
      title: titles[output.nodeId] ?? null,
      n: output.n,
      filename: output.filename,
      subfolder: output.subfolder,
      type: output.type,
    },
    bytes: output.bytes,
    sha256: output.sha256,
    /** SHA-256 of what is kept in jobs/prompts of AUTOPOD_HOME. */
    prompt: facts.prompt,
    workflow: facts.workflow,
    changes: facts.changes,
    seeds: facts.seeds,
    inputs: inputs.map(({ path, sha256, bytes, targets }) => ({ path, sha256, bytes, targets })),
    promptId: facts.submissions.at(-1)?.promptId ?? null,
    pod: ranOn?.podId ?? facts.podId,
    gpu: ranOn?.gpu ?? null,
    pricePerHour: ranOn?.pricePerHour ?? null,
    comfyui: ranOn?.comfyui ?? null,
    seconds: ranMs === null ? null : ranMs / 1000,
    usd: usd ?? (ranMs !== null && ranOn?.pricePerHour != null ? (ranOn.pricePerHour * ranMs) / 3.6e6 : null),
    madeAt: new Date(facts.endedAt ?? facts.createdAt).toISOString(),
  };
}
