import { execa } from 'execa';
import { AutopodError } from '../../errors.ts';
import { OLDEST_OPENSSH } from './oldest.ts';

/** What `ssh -V` calls itself. Throws `sshMissing` or `sshTooOld`. */
export async function sshVersion(): Promise<string> {
  const { failed, stderr = '' } = await execa('ssh', ['-V'], { reject: false });
  if (failed) throw new AutopodError('sshMissing', { program: 'ssh' });
  const [version = stderr.trim()] = stderr.trim().split(',');
  const number = /OpenSSH_(?:for_Windows_)?(\d+\.\d+)/.exec(version)?.[1] ?? OLDEST_OPENSSH;
  if (isEarlier(number, OLDEST_OPENSSH)) {
    throw new AutopodError('sshTooOld', { detail: `${version} is older than ${OLDEST_OPENSSH}` });
  }
  return version;
}

function isEarlier(one: string, other: string): boolean {
  return one.localeCompare(other, 'en', { numeric: true }) < 0;
}
