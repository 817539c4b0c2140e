import type { JobOutput } from '../../machines/job-types.ts';
import type { ComfyWay } from './way.ts';

export interface Downloaded {
  /** Where it is: `toPath`, or that with `-2`, `-3`, … where another file has the name. */
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * Brings one file here whole or not at all: first beside its name as `partPath`, which a later call continues, then
 * checked, on the disk, and renamed. A file of the same name stays; one of the same content is taken for this one.
 * `onBytes` is told how many of how many are here.
 *
 * Throws `outputGone`, `diskFull`, `outputFolderUnwritable`, and `comfyUnanswered` when it was cut several times.
 */
export async function downloadOutput(
  _way: ComfyWay,
  _output: Pick<JobOutput, 'filename' | 'subfolder' | 'type'>,
  toPath: string,
  _signal: AbortSignal,
  _onBytes?: (bytes: number, ofBytes: number | null) => void,
  _partPath = `${toPath}.part`,
): Promise<Downloaded> {
  throw new Error('to come');
}
