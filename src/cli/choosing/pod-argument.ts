import { AutopodError } from '../../errors.ts';
import { type Chosen, chooseNamed, chooseOnly } from '../../lifecycle/choose.ts';
import { accessWish, wishOfFound } from '../arguments/wishes.ts';
import type { Context } from '../context.ts';
import { pickingOne } from './several.ts';

/**
 * The pod a command was given, or the only one there is (I12). Keeps a record of a pod it had none of. With `needsKey`
 * the command goes into the pod by ssh: throws `podOfOtherKey` where the pod does not take our key. A launch without a pod
 * is none: throws `podNotFound`.
 */
export async function choosePod(
  context: Context,
  named: string | undefined,
  { needsKey = false } = {},
): Promise<Chosen & { podId: string }> {
  const chosen = await choosePodOrLaunch(context, named, { needsKey });
  const { podId, name } = chosen;
  if (podId === null) throw new AutopodError('podNotFound', { launch: name });
  return { ...chosen, podId };
}

/** As `choosePod`; a launch that has no pod will do. */
export async function choosePodOrLaunch(
  context: Context,
  named: string | undefined,
  { needsKey = false } = {},
): Promise<Chosen> {
  const choosing = { ...(await context.choosing()), needsKey };
  const wish = wishOfFound({ name: named ?? '', image: '' });
  const wishes = { wish, access: accessWish({ tunnel: true }) };
  return pickingOne(context, named, (pod) =>
    pod === undefined
      ? chooseOnly(choosing, wishes, context.signal)
      : chooseNamed(choosing, pod, wishes, context.signal),
  );
}
