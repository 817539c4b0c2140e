import type { FailureDetail } from '../../../errors.ts';
import { list, nearWords, str, strOr } from '../detail.ts';
import { limitWords } from '../limits.ts';
import type { WordsOf } from './words.ts';

/** Failures of finding a place for a pod, and of buying it. */
export const PLACING_FAILURES = {
  volumeMissing: (d: FailureDetail) => ({
    what: `There is no network volume ${str(d.volumeId)} in this account${d.isDefault ? '; config.json names it as default_volume_id' : ''}.`,
    why: list(d.known).length
      ? `There are: ${list(d.known).join(', ')}.`
      : 'The account has no network volumes.',
    next: d.isDefault
      ? 'Change it with `autopod config set default_volume_id ID` ("" removes it), or run once without a volume: --no-volume.'
      : 'Name one with --volume-id, or leave it out to run without.',
  }),
  volumeElsewhere: (d: FailureDetail) => ({
    what: `Volume ${str(d.volumeId)} is in ${str(d.volumeDataCenter)}, but you requested ${str(d.dataCenter)}`,
    why: 'A network volume can be attached only in its own data center. Nothing was created.',
    next: `Leave --datacenter out (the volume's is used), or pass --datacenter ${str(d.volumeDataCenter)}.`,
  }),
  volumeNeedsSecureCloud: (d: FailureDetail) => ({
    what: `Volume ${str(d.volumeId)} cannot be attached in the Community cloud.`,
    why: 'RunPod attaches network volumes to Secure cloud pods only. Nothing was created.',
    next: 'Use --cloud-type SECURE, or leave the volume out.',
  }),
  dataCenterUnknown: (d: FailureDetail) => ({
    what: `There is no data center ${str(d.dataCenter)}.`,
    next: nearWords(d),
  }),
  gpuUnknown: (d: FailureDetail) => ({
    what: `RunPod has no GPU called “${str(d.name)}”.`,
    next: nearWords(d),
  }),
  gpuAmbiguous: (d: FailureDetail) => ({
    what: `“${str(d.name)}” could be any of: ${list(d.matches).join(', ')}.`,
    next: `Name one of them, such as --gpu "${list(d.matches)[0] ?? ''}".`,
  }),
  gpuOutOfStock: (d: FailureDetail) => ({
    what: 'None of the GPUs asked for is free now. Nothing was created.',
    why: [
      list(d.tried).length
        ? `Tried: ${list(d.tried).join('; ')}.`
        : list(d.asked).length
          ? `Asked for: ${list(d.asked).join(', ')}.`
          : '',
      strOr(d.detail),
      list(d.inStock).length ? `In stock: ${list(d.inStock).join(', ')}.` : '',
      list(d.tooOld).length
        ? `In stock only on hosts below CUDA ${d.minCudaVersion}: ${list(d.tooOld).join(', ')}.`
        : '',
    ]
      .filter(Boolean)
      .join(' '),
    next: `Name other GPUs with --gpu (repeatable), or try again later.${
      list(d.tooOld).length
        ? ' --min-cuda none takes any host, though what the image runs on may not work there.'
        : ''
    }`,
  }),
  placementRefused: (d: FailureDetail) => ({
    what: 'RunPod refused every candidate. Nothing was created.',
    why: [list(d.tried).length ? `Tried: ${list(d.tried).join('; ')}.` : '', strOr(d.detail)]
      .filter(Boolean)
      .join(' '),
    next: 'RunPod answers this for a broken rule as well as for missing capacity: check the options, or try again later.',
  }),
  limitReached: (d: FailureDetail) => ({
    what:
      d.ofFleet === true
        ? 'That would exceed a limit of the fleet. Nothing was bought or started.'
        : 'That would exceed a limit of yours. Nothing was bought or started.',
    why: limitWords(d),
    next:
      d.ofFleet === true
        ? `${d.limit === 'quiet_hours' ? 'Try again then' : 'Stop or end a pod'}, or ask ${list(d.ask).join(' or ') || 'whoever runs the server'} to change the limit (\`autopod serve limits\` on the server).`
        : `Stop or end a pod, change the limit with \`autopod config set ${strOr(d.limit, 'max_per_hour')} N\`, or go on this once with --over-limit.`,
  }),
  balanceEmpty: (d: FailureDetail) => ({
    what: 'The RunPod account has no balance left. Nothing was created.',
    why: strOr(d.detail),
    next: 'Add credit at https://console.runpod.io/user/billing.',
  }),
  createUnanswered: (d: FailureDetail) => ({
    what: 'RunPod did not answer the request for a pod, several times over, and no such pod has shown up.',
    why: strOr(d.detail),
    next: '`autopod up` looks for the pod again before it asks for one. `autopod ls` shows all there is.',
  }),
} satisfies WordsOf;
