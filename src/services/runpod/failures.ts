import { HTTPError, ParseError, RequestError, TimeoutError } from 'got';
import { AutopodError, type FailureDetail } from '../../errors.ts';
import { answeredElsewhere } from './elsewhere.ts';
import { pauseSeconds, retryAfterSeconds } from './retry-after.ts';
import { problemShape } from './shapes.ts';

/** Network codes after which it is certain that the request never reached RunPod. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
]);
/** got's timers that end before the request has left. */
const BEFORE_SENDING = new Set(['lookup', 'connect', 'secureConnect', 'socket']);
const NO_CAPACITY =
  /no longer any instances|no instances (currently )?available|insufficient capacity|out of (stock|capacity)|not enough .*(capacity|gpus)/i;

/** Whether a refused start says that others have the host's GPUs. Seen in September 2026; the document has no code for it. */
export function isHostFull({ detail }: AutopodError): boolean {
  return /not enough free GPUs/i.test(String(detail.detail ?? ''));
}

/** What a failed read or action means. got's own error is never passed on: it carries the API key. */
export function readFailure(error: unknown): AutopodError {
  if (error instanceof AutopodError) return error;
  if (error instanceof HTTPError) return answerFailure(error);
  if (error instanceof RequestError && error.code === 'ERR_INVALID_CHAR') return impossibleKey();
  if (error instanceof RequestError && isUntrusted(error)) return untrusted(error);
  const page = error instanceof ParseError ? answeredElsewhere(error.response) : undefined;
  if (page) return page;
  if (error instanceof RequestError)
    return new AutopodError('apiUnreachable', { detail: networkWords(error), host: hostOf(error) });
  return new AutopodError('apiAnswerUnexpected', {
    detail: error instanceof Error ? error.message : String(error),
  });
}

/** What a failed create means: whether a pod may exist now is the question. When in doubt it may. */
export function createFailure(error: unknown): AutopodError {
  if (error instanceof AutopodError) return error;
  if (error instanceof HTTPError) return createAnswerFailure(error);
  if (error instanceof RequestError && error.code === 'ERR_INVALID_CHAR') return impossibleKey();
  if (error instanceof RequestError && isUntrusted(error)) return untrusted(error);
  if (error instanceof RequestError && isUnsent(error)) {
    return new AutopodError('apiUnreachable', { detail: networkWords(error), host: hostOf(error) });
  }
  const detail = error instanceof RequestError ? networkWords(error) : 'The answer could not be understood.';
  return new AutopodError('createUnanswered', { detail });
}

// The key is all that comes from the user into a header.
function impossibleKey(): AutopodError {
  const detail = 'It holds a line break or a letter that no key has.';
  return new AutopodError('apiKeyRefused', { detail, isSent: false });
}

function createAnswerFailure(error: HTTPError): AutopodError {
  const { statusCode } = error.response;
  const elsewhere = answeredElsewhere(error.response);
  if (elsewhere) return elsewhere;
  const detail = problemOf(error);
  if (statusCode === 400) {
    const isStock = NO_CAPACITY.test(String(detail.detail ?? ''));
    return new AutopodError(isStock ? 'gpuOutOfStock' : 'placementRefused', detail);
  }
  if (statusCode === 402) return new AutopodError('balanceEmpty', detail);
  if (statusCode >= 500 || statusCode === 408) return new AutopodError('createUnanswered', detail);
  return answerFailure(error);
}

function answerFailure(error: HTTPError): AutopodError {
  const elsewhere = answeredElsewhere(error.response);
  if (elsewhere) return elsewhere;
  const { statusCode, headers } = error.response;
  const detail = problemOf(error);
  if (statusCode === 401) return new AutopodError('apiKeyRefused', detail);
  if (statusCode === 402) return new AutopodError('balanceEmpty', detail);
  if (statusCode === 403) return new AutopodError('apiForbidden', detail);
  if (statusCode === 422) return new AutopodError('apiRequestInvalid', detail);
  if (statusCode === 429) {
    return new AutopodError('apiRateLimited', {
      ...detail,
      retryAfterSeconds: pauseSeconds(headers),
    });
  }
  if (statusCode >= 500) {
    const asked = { status: statusCode, retryAfterSeconds: retryAfterSeconds(headers) };
    return new AutopodError('apiUnavailable', { ...detail, ...asked });
  }
  return new AutopodError('apiRequestRefused', { ...detail, status: statusCode });
}

/** RunPod's own words: `detail`, or `title`, and the list of what is wrong with a request. */
function problemOf({ response }: HTTPError): FailureDetail {
  const problem = problemShape.safeParse(parseJson(String(response.rawBody ?? '')));
  if (!problem.success) return { detail: `HTTP ${response.statusCode}` };
  const { detail, title, errors } = problem.data;
  return { detail: detail ?? title ?? `HTTP ${response.statusCode}`, ...(errors && { errors }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a gateway's own page
  }
}

/** Node's and OpenSSL's words for a certificate that is not believed; nothing was sent then. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS/;

/** Whether a certificate is not believed, whoever shows it. */
export function isUntrusted({ code }: RequestError): boolean {
  return UNTRUSTED.test(code);
}

function untrusted(error: RequestError): AutopodError {
  return new AutopodError('apiUntrusted', {
    host: hostOf(error),
    detail: `${error.message} (${error.code})`,
  });
}

function isUnsent(error: RequestError): boolean {
  if (error instanceof TimeoutError) return BEFORE_SENDING.has(error.event);
  return NEVER_CONNECTED.has(error.code);
}

function networkWords(error: RequestError): string {
  if (error instanceof TimeoutError) return `No answer in time (${error.event}).`;
  return error.code === 'ERR_BODY_PARSE_FAILURE' ? 'The answer is not JSON.' : `Network: ${error.code}.`;
}

function hostOf({ options }: RequestError): string {
  return new URL(String(options.url ?? 'http://unknown')).host;
}
