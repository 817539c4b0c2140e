import type { Note } from '../../lifecycle/environment.ts';
import { findDataCenter, planCandidates } from '../../lifecycle/place.ts';
import type { PodWish } from '../../machines/pod-types.ts';
import type { BelowFloor } from '../../services/runpod/placement.ts';
import { podRequest } from '../../services/runpod/pod-request.ts';
import type { Context } from '../context.ts';
import { candidateWords, text, tooOldWords } from '../text.ts';
import { prose } from '../views/prose.ts';

/** Prints where a pod would be tried and the first request; asks RunPod for nothing but its catalogue. */
export async function dryRun(context: Context, wish: PodWish): Promise<number> {
  const { out, signal } = context;
  let tooOld: BelowFloor[] = [];
  const tell = (note: Note) => {
    if (note.kind === 'leftOut') tooOld = note.tooOld;
  };
  const { env } = await context.driving({ onState: () => undefined, tell });
  const { dataCenterId } = await findDataCenter(env, wish, signal);
  const placed = dataCenterId === null ? wish : { ...wish, dataCenterId };
  const candidates = await planCandidates(env, placed, signal);
  const key = await context.privateKey();
  const first = candidates[0];
  const madeLater = text.launchIdPlaceholder();
  const request =
    first &&
    podRequest(placed, first, { launchId: madeLater, secret: madeLater, publicKeys: [key.publicKey] });
  if (out.isJson) {
    out.json({ candidates, tooOld, request });
    return 0;
  }
  out.line(prose(text.planTitle(wish), out.screen));
  for (const [index, candidate] of candidates.entries())
    out.line(prose(`  ${index + 1}. ${candidateWords(candidate)}`, out.screen));
  if (tooOld[0]) out.line(prose(text.tooOldTitle(tooOld[0].minCudaVersion), out.screen));
  for (const one of tooOld) out.line(prose(`  – ${tooOldWords(one)}`, out.screen));
  out.line(text.requestTitle());
  out.line(JSON.stringify(request, null, 2));
  return 0;
}
