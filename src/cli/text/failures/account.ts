import type { FailureDetail } from '../../../errors.ts';
import { durationWords, list, str, strOr } from '../detail.ts';
import type { WordsOf } from './words.ts';

/** Failures of the API key and of RunPod's answers. */
export const ACCOUNT_FAILURES = {
  apiKeyRefused: (d: FailureDetail) => ({
    what: d.isSent === false ? 'The API key cannot be right.' : 'RunPod refused the API key.',
    why: strOr(d.detail),
    next: 'Check RUNPOD_API_KEY, or make another key at https://console.runpod.io/user/settings.',
  }),
  apiForbidden: (d: FailureDetail) => ({
    what: `RunPod does not let this API key do that${d.operation ? ` (${str(d.operation)})` : ''}.`,
    why: strOr(d.detail),
    next: 'Give the key read and write access to pods, volumes and account, or use another one.',
  }),
  apiElsewhere: (d: FailureDetail) => ({
    what: `What answers${d.host ? ` at ${d.host}` : ''} is not RunPod's API (HTTP ${d.status ?? 'unknown'}).`,
    why: strOr(d.detail),
    next: 'Check AUTOPOD_API_URL, and whether a proxy or the login page of a network stands in between.',
  }),
  apiUntrusted: (d: FailureDetail) => ({
    what: `The certificate of ${strOr(d.host, 'the API')} is not trusted.`,
    why: strOr(d.detail),
    next: 'Where a company or a proxy signs the connections, set NODE_EXTRA_CA_CERTS to the file of its certificate. Otherwise somebody may be in between.',
  }),
  apiUnreachable: (d: FailureDetail) => ({
    what: `RunPod cannot be reached${d.host ? ` at ${d.host}` : ''}.`,
    why: strOr(d.detail),
    next: 'Check the network, then repeat the command; what was begun is saved.',
  }),
  apiUnavailable: (d: FailureDetail) => ({
    what: `RunPod has trouble${d.status ? ` (HTTP ${d.status})` : ''}.`,
    why: [strOr(d.detail), d.retryAfterSeconds && `It asks to wait ${durationWords(d.retryAfterSeconds)}.`]
      .filter(Boolean)
      .join(' '),
    next: 'Try again in a minute; https://uptime.runpod.io tells whether it is known.',
  }),
  apiAnswerUnexpected: (d: FailureDetail) => ({
    what: 'RunPod answered something autopod does not understand.',
    why: strOr(d.detail),
    next: 'Try again; if it stays, check AUTOPOD_API_URL and look for a newer autopod.',
  }),
  apiRateLimited: (d: FailureDetail) => ({
    what: 'RunPod limits how often it may be asked.',
    why: d.retryAfterSeconds ? `It asks to wait ${durationWords(d.retryAfterSeconds)}.` : undefined,
    next: 'Repeat the command then; what was begun is saved.',
  }),
  apiRequestInvalid: (d: FailureDetail) => ({
    what: 'RunPod says the request is not valid.',
    why: [strOr(d.detail), ...list(d.errors)].filter(Boolean).join(' '),
    next: 'Check the options; if they are right, this is a bug of autopod worth reporting.',
  }),
  apiRequestRefused: (d: FailureDetail) => ({ what: 'RunPod refused the request.', why: strOr(d.detail) }),
} satisfies WordsOf;
