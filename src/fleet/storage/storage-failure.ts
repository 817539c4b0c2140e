import { AutopodError, type FailureDetail } from '../../errors.ts';

/** Why a bucket refuses, as its words take it. */
type Reason = 'credentials' | 'denied' | 'noBucket' | 'clock' | 'region' | 'full' | 'other';

/** What S3, R2, MinIO and the SDK itself call it. */
const REASONS: Record<string, Reason> = {
  CredentialsProviderError: 'credentials',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  InvalidToken: 'credentials',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  TokenRefreshRequired: 'credentials',
  Unauthorized: 'credentials',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  Forbidden: 'denied',
  NoSuchBucket: 'noBucket',
  RequestTimeTooSkewed: 'clock',
  RequestExpired: 'clock',
  AuthorizationHeaderMalformed: 'region',
  PermanentRedirect: 'region',
  IllegalLocationConstraintException: 'region',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  InsufficientStorage: 'full',
  StorageLimitExceeded: 'full',
};

/** A checksum that is wrong at the other end was lost on the way; it goes again. */
const AGAIN = [
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'RequestTimeout',
  'SlowDown',
  'InvalidPart',
];

interface SdkError {
  name?: string;
  Code?: string;
  code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

/** What the SDK threw, as a failure: `storageRefused` where only somebody can help, else `storageUnreachable`. */
export function storageFailure(error: unknown, where: { bucket: string; endpoint: string | null }): unknown {
  if (error instanceof AutopodError || (error as Error).name === 'AbortError') return error;
  const { name = '', Code, code, message = '', $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const named = [Code, code, name].find(
    (one) => one !== undefined && (one in REASONS || AGAIN.includes(one)),
  );
  const detail: FailureDetail = { bucket: where.bucket, endpoint: where.endpoint ?? undefined };
  const said = [Code ?? name, message].filter((word) => word && word !== 'UnknownError').join(': ');
  const reason = named === undefined ? byStatus(status) : REASONS[named];
  if (reason !== undefined && !(named && AGAIN.includes(named))) {
    return new AutopodError('storageRefused', { ...detail, reason, detail: said.slice(0, 300) });
  }
  const told = status === undefined ? said || String(code) : `${status} ${said}`;
  return new AutopodError('storageUnreachable', { ...detail, detail: told.slice(0, 300) });
}

/** An answer to HEAD has no word of why. */
function byStatus(status: number | undefined): Reason | undefined {
  if (status === undefined || status >= 500) return status === 507 ? 'full' : undefined;
  if (status === 401) return 'credentials';
  if (status === 403) return 'denied';
  if (status === 301 || status === 307) return 'region';
  return status >= 400 ? 'other' : undefined;
}
