import { AutopodError, type FailureCode, toFailure } from '../../errors.ts';
import { resolveGpuNames } from '../../services/runpod/gpu-names.ts';
import { validateDataCenter, validateVolume } from '../../services/runpod/volume.ts';
import { usePrivateKey } from '../../services/ssh/key.ts';
import type { Context } from '../context.ts';
import { FAILURE_WORDS } from '../text/failures.ts';

/** Failures that speak against the value; any other says only that it could not be checked. */
const AGAINST: FailureCode[] = [
  'volumeMissing',
  'dataCenterUnknown',
  'gpuUnknown',
  'gpuAmbiguous',
  'sshKeyMissing',
  'sshKeyTooOpen',
  'sshKeyInvalid',
];

type Check = (context: Context, value: string) => Promise<string>;

/** How a setting's value is checked; the answer is the value to keep. */
const CHECKS: Record<string, Check> = {
  async ssh_key_path({ env }, value) {
    const path = value.startsWith('~/') && env.HOME ? `${env.HOME}${value.slice(1)}` : value;
    // A key with a passphrase is as good a setting as any; whether the agent has it is another day's matter.
    await usePrivateKey(path).catch((error: unknown) => {
      if (toFailure(error).code !== 'sshKeyLocked') throw error;
    });
    return value;
  },
  async default_volume_id(context, volumeId) {
    await validateVolume(await context.runpod(), { volumeId }, context.signal);
    return volumeId;
  },
  async default_datacenter(context, value) {
    const dataCenterId = value.toUpperCase();
    await validateDataCenter(await context.runpod(), dataCenterId, context.signal);
    return dataCenterId;
  },
  async gpu_preferences(context, value) {
    const runpod = await context.runpod();
    const catalog = await runpod.gpuCatalog({ count: 1, cloud: 'SECURE' }, context.signal);
    const names = value.split(',').map((name) => name.trim());
    resolveGpuNames(names.filter(Boolean), catalog);
    return value;
  },
};

/** The value to keep, checked with whoever knows. Throws `usage` for a wrong one; one nobody could check is kept. */
export async function checkedSetting(
  context: Context,
  name: string,
  value: string,
): Promise<{ value: string; isUnchecked?: boolean }> {
  try {
    return { value: (await CHECKS[name]?.(context, value)) ?? value };
  } catch (error) {
    context.signal.throwIfAborted();
    const { code, detail } = toFailure(error);
    if (code === 'internal') throw error;
    if (!AGAINST.includes(code)) return { value, isUnchecked: true };
    const { what, why } = FAILURE_WORDS[code](detail);
    const near =
      code === 'gpuUnknown' || code === 'dataCenterUnknown' ? FAILURE_WORDS[code](detail).next : why;
    throw new AutopodError('usage', {
      message: what,
      next: [near, 'Nothing was changed.'].filter(Boolean).join(' '),
    });
  }
}
