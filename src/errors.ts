/**
 * Everything that can go wrong in a way a user can act on. The code decides the exit code and whether trying
 * again by itself can help; the words live in `cli/text.ts`.
 */
export const FAILURES = {
  internal: { exitCode: 70, retryable: false },
  usage: { exitCode: 2, retryable: false },
  interrupted: { exitCode: 130, retryable: true },
  timedOut: { exitCode: 1, retryable: true },
  declined: { exitCode: 1, retryable: false },
  confirmationNeeded: { exitCode: 1, retryable: false },

  apiKeyMissing: { exitCode: 1, retryable: false },
  configMalformed: { exitCode: 2, retryable: false },
  stateUnreadable: { exitCode: 1, retryable: false },
  stateDamaged: { exitCode: 1, retryable: false },
  stateNewer: { exitCode: 1, retryable: false },
  lockBusy: { exitCode: 1, retryable: true },
  homeNotOwned: { exitCode: 1, retryable: false },
  homelessUser: { exitCode: 2, retryable: false },
  userUnknown: { exitCode: 1, retryable: false },
  programReplaced: { exitCode: 1, retryable: true },

  apiKeyRefused: { exitCode: 1, retryable: false },
  apiForbidden: { exitCode: 1, retryable: false },
  /** What answers at the API's address is not RunPod's API. */
  apiElsewhere: { exitCode: 1, retryable: false },
  /** The certificate of what answers at the API's address is not trusted. */
  apiUntrusted: { exitCode: 1, retryable: false },
  apiUnreachable: { exitCode: 1, retryable: true },
  apiUnavailable: { exitCode: 1, retryable: true },
  apiAnswerUnexpected: { exitCode: 1, retryable: true },
  apiRateLimited: { exitCode: 1, retryable: true },
  apiRequestInvalid: { exitCode: 1, retryable: false },
  apiRequestRefused: { exitCode: 1, retryable: false },

  volumeMissing: { exitCode: 2, retryable: false },
  volumeElsewhere: { exitCode: 2, retryable: false },
  volumeNeedsSecureCloud: { exitCode: 2, retryable: false },
  dataCenterUnknown: { exitCode: 2, retryable: false },
  gpuUnknown: { exitCode: 2, retryable: false },
  gpuAmbiguous: { exitCode: 2, retryable: false },
  gpuOutOfStock: { exitCode: 1, retryable: false },
  placementRefused: { exitCode: 1, retryable: false },
  /** It would run or cost more than the user allows. */
  limitReached: { exitCode: 1, retryable: false },
  balanceEmpty: { exitCode: 1, retryable: false },
  /** The answer to a create was lost: a pod may or may not exist. */
  createUnanswered: { exitCode: 1, retryable: true },

  podNotFound: { exitCode: 1, retryable: false },
  podNotChosen: { exitCode: 1, retryable: false },
  /** The pod lets other ssh keys in, and not ours. */
  podOfOtherKey: { exitCode: 1, retryable: false },
  podGone: { exitCode: 1, retryable: false },
  podBroken: { exitCode: 1, retryable: false },
  podWithoutGpu: { exitCode: 1, retryable: false },
  /** We were suspended, and another process went on with the pod. */
  podTakenOver: { exitCode: 1, retryable: false },
  /** Others have the GPUs of the stopped pod's host. */
  hostFull: { exitCode: 1, retryable: false },
  podLocked: { exitCode: 1, retryable: false },
  podNotRunning: { exitCode: 1, retryable: false },
  /** RunPod has taken a stop or an end and not done it. */
  podActionNotDone: { exitCode: 1, retryable: false },
  podActionRefused: { exitCode: 1, retryable: false },
  podWithoutSsh: { exitCode: 1, retryable: false },
  /** It runs on a host without a public address. */
  podUnreachable: { exitCode: 1, retryable: false },
  /** Its host's GPU or driver does not go with the image. */
  gpuUnusable: { exitCode: 1, retryable: false },
  comfyCrashed: { exitCode: 1, retryable: false },
  bootTimedOut: { exitCode: 1, retryable: true },
  /** Something else answers at ComfyUI's port. */
  comfyElsewhere: { exitCode: 1, retryable: false },
  comfyTimedOut: { exitCode: 1, retryable: true },

  /** A question to ComfyUI had no answer, or one that leaves open what happened. */
  comfyUnanswered: { exitCode: 1, retryable: true },
  /** What answers in ComfyUI's place is not ComfyUI, or not one that autopod understands. */
  comfyAnswerUnexpected: { exitCode: 1, retryable: false },
  promptRefused: { exitCode: 1, retryable: false },
  /** Somebody interrupted it at ComfyUI. */
  promptInterrupted: { exitCode: 1, retryable: false },
  /** ComfyUI forgot it each time it was handed over. */
  promptLost: { exitCode: 1, retryable: false },
  /** It was left out, for its batch had failed or cost enough. */
  jobNotRun: { exitCode: 1, retryable: false },
  promptTooLarge: { exitCode: 1, retryable: false },
  promptFailed: { exitCode: 1, retryable: false },
  gpuOutOfMemory: { exitCode: 1, retryable: false },
  /** The pod's disk or volume is full. */
  podDiskFull: { exitCode: 1, retryable: false },
  inputUnreadable: { exitCode: 2, retryable: false },
  /** A file that a job takes in is not what it was when the job was made. */
  inputChanged: { exitCode: 1, retryable: false },
  inputTooLarge: { exitCode: 1, retryable: false },
  /** ComfyUI no longer has a file that it made. */
  outputGone: { exitCode: 1, retryable: false },
  nameTemplateInvalid: { exitCode: 2, retryable: false },
  outputFolderUnwritable: { exitCode: 1, retryable: false },
  /** A link within the folder for what is made leads out of it. */
  outputFolderLeadsOut: { exitCode: 1, retryable: false },
  /** This machine's disk. What has come is kept. */
  diskFull: { exitCode: 1, retryable: false },

  sshMissing: { exitCode: 1, retryable: false },
  sshTooOld: { exitCode: 1, retryable: false },
  sshKeyMissing: { exitCode: 1, retryable: false },
  sshKeyTooOpen: { exitCode: 1, retryable: false },
  sshKeyInvalid: { exitCode: 1, retryable: false },
  sshKeyLocked: { exitCode: 1, retryable: false },
  sshKeyRefused: { exitCode: 1, retryable: false },
  sshHostKeyChanged: { exitCode: 1, retryable: false },
  sshForwardingForbidden: { exitCode: 1, retryable: false },
  sshPathUnusable: { exitCode: 2, retryable: false },
  /** Who answers at the pod's address did not prove to be the pod. */
  podUnproven: { exitCode: 1, retryable: false },
  sshUnreachable: { exitCode: 1, retryable: true },

  /** A file that was given as a workflow is none. */
  workflowUnreadable: { exitCode: 2, retryable: false },
  /** The server would refuse the workflow, or lacks what it takes. */
  workflowNotRunnable: { exitCode: 1, retryable: false },
  /** The folder for what is made cannot be written. */
  outUnwritable: { exitCode: 2, retryable: false },
  jobNotFound: { exitCode: 1, retryable: false },
  jobNotChosen: { exitCode: 1, retryable: false },
  /** A fleet has no pool of that name, or several where one is to be meant. */
  poolNotFound: { exitCode: 1, retryable: false },

  localPortTaken: { exitCode: 1, retryable: false },
  keeperUnreachable: { exitCode: 1, retryable: true },

  /** Restate's server is not installed, or there is none for this system. */
  engineMissing: { exitCode: 1, retryable: false },
  /** It does not answer, or refuses. */
  engineUnreachable: { exitCode: 1, retryable: true },
  /** The server of a fleet cannot write down what it is about to do, and so does not. */
  recordUnkept: { exitCode: 1, retryable: true },
  /** A fleet does not know the token, or the invitation. */
  notAdmitted: { exitCode: 1, retryable: false },
  /** It knows who asks, and they may not do that. */
  notAllowed: { exitCode: 1, retryable: false },
  /** The SDK for buckets is not installed. */
  storageMissing: { exitCode: 1, retryable: false },
  /** The bucket that a fleet's files are in does not answer, or cannot just now. */
  storageUnreachable: { exitCode: 1, retryable: true },
  /** It does not let the server in, is full, or is not there. */
  storageRefused: { exitCode: 1, retryable: false },
  /** The disk of a fleet's server has no room for more. */
  serverDiskFull: { exitCode: 1, retryable: true },
  /** What a job has made was removed, as long ago as the fleet keeps it. */
  filesCleaned: { exitCode: 1, retryable: false },
  /** It takes no such request. */
  gatewayRefused: { exitCode: 1, retryable: false },
  /** It does not answer, or what answers is none. */
  fleetUnreachable: { exitCode: 1, retryable: true },
} as const satisfies Record<string, { exitCode: number; retryable: boolean }>;

export type FailureCode = keyof typeof FAILURES;

/** What a failure is about, in plain JSON: ids, names, counts. Never a secret. */
export type FailureDetail = { [key: string]: string | number | boolean | string[] | undefined };

/** A failure as machines, records and `--json` carry it. */
export interface Failure {
  code: FailureCode;
  detail: FailureDetail;
}

/** The only error services throw on purpose. `cli/run.ts` turns it into words and an exit code. */
export class AutopodError extends Error {
  readonly code: FailureCode;
  readonly detail: FailureDetail;

  constructor(code: FailureCode, detail: FailureDetail = {}, options?: ErrorOptions) {
    super(code, options);
    this.name = 'AutopodError';
    this.code = code;
    this.detail = detail;
  }
}

/** Any thrown value as a Failure; what nobody classified is our bug. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AutopodError) return { code: error.code, detail: error.detail };
  if (error instanceof Error && error.name === 'AbortError') return { code: 'interrupted', detail: {} };
  return { code: 'internal', detail: { message: error instanceof Error ? error.message : String(error) } };
}

export function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && value in FAILURES;
}
