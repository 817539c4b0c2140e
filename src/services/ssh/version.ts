import { execa } from 'execa';
import { AutopodError } from '../../errors.ts';

/** Oldest OpenSSH that knows every option autopod gives it. */
const OLDEST = [8, 0] as const;

/** What `ssh -V` calls itself. Throws `sshMissing` or `sshTooOld`. */
export async function sshVersion(): Promise<string> {
  const { failed, stderr = '' } = await execa('ssh', ['-V'], { reject: false });
  if (failed) throw new AutopodError('sshMissing', { program: 'ssh' });
  const [version = stderr.trim()] = stderr.trim().split(',');
  const [, major = OLDEST[0], minor = OLDEST[1]] =
    /OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(version) ?? [];
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (isOld) throw new AutopodError('sshTooOld', { detail: `${version} is older than ${OLDEST.join('.')}` });
  return version;
}
