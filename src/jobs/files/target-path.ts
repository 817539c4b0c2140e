import { join } from 'node:path';
import type { JobFacts, JobOutput } from '../../machines/job-types.ts';
import { extensionOf, safeName } from './safe-name.ts';
import { fillTemplate } from './template.ts';

type Naming = Pick<JobFacts, 'jobId' | 'name' | 'index' | 'seeds' | 'titles' | 'out' | 'nameTemplate'>;

/**
 * The absolute path for a file, by the job's template, in the subfolder that ComfyUI has it in and never outside the
 * job's folder. `when` is in epoch milliseconds; the same for the same job each time, or its files come twice.
 */
export function targetPath(
  facts: Naming,
  output: Pick<JobOutput, 'nodeId' | 'n' | 'filename' | 'subfolder'>,
  when: number,
): string {
  // ComfyUI on Windows writes subfolders its way.
  const subfolders = output.subfolder.split(/[\\/]/).filter((part) => !/^\.*$/.test(part.trim()));
  const base = output.filename.split(/[\\/]/).at(-1) ?? '';
  const ext = extensionOf(base);
  const { date, time } = localTime(when);
  const parts = fillTemplate(facts.nameTemplate, {
    date,
    time,
    job: facts.jobId,
    name: part(facts.name.replace(/\.(?:json|png|webp|flac|mp4|webm)$/i, '')),
    node: part(output.nodeId),
    title: part(facts.titles[output.nodeId] ?? output.nodeId),
    n: String(output.n + 1),
    index: String(facts.index + 1),
    seed: seedOf(facts.seeds),
    ext: part(ext.slice(1)),
    filename: part(base.slice(0, base.length - ext.length)),
  });
  const [file = '', ...folders] = parts.reverse();
  const named = ext && !file.toLowerCase().endsWith(ext.toLowerCase()) ? `${file}${part(ext)}` : file;
  return join(
    facts.out,
    ...subfolders.map(safeName),
    ...folders
      .reverse()
      .filter((folder) => !/^\.*$/.test(folder))
      .map(safeName),
    safeName(named),
  );
}

/** A value is never more than a part of a name. */
function part(value: string): string {
  return value.replace(/[\\/]/g, '_').slice(0, 120);
}

/** The seed, or the seeds where they differ; `none` where the workflow has none. */
function seedOf(seeds: Record<string, string>): string {
  const different = [...new Set(Object.values(seeds))];
  return part(different.slice(0, 3).join('-')) || 'none';
}

function localTime(when: number): { date: string; time: string } {
  const at = new Date(when);
  const two = (part: number) => String(part).padStart(2, '0');
  return {
    date: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    time: `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`,
  };
}
