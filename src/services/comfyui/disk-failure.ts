import { AutopodError } from '../../errors.ts';

const FULL = ['ENOSPC', 'EDQUOT'];
const WHY: Record<string, string> = {
  EACCES: 'This user may not write there.',
  EPERM: 'This user may not write there.',
  EROFS: 'It is on a file system that is read-only.',
  ENOENT: 'The folder was removed, or none can be made there.',
  ENOTDIR: 'A part of its path is a file and no folder.',
  EISDIR: 'It is a folder.',
  ENAMETOOLONG: 'The name is too long for its file system.',
  EFBIG: 'The file is too large for its file system.',
};

/** What a failed write on this machine comes to; anything else as it was. */
export function diskFailure(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof AutopodError || code === undefined) return error;
  if (FULL.includes(code)) return new AutopodError('diskFull', { path });
  if (!/^E[A-Z]+$/.test(code)) return error;
  return new AutopodError('outputFolderUnwritable', { path, reason: WHY[code] ?? code });
}
