import { AutopodError } from '../../errors.ts';

/** Not an AutopodError, whatever it was: what keeps a file from being written may pass, so that it is tried again. */
export function unkept(key: string, error: unknown): Error {
  return new Error(`the record of ${key} cannot be kept: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof AutopodError)) return (error as Error).message;
  const { reason, file = '' } = error.detail;
  return typeof reason === 'string' ? `${reason} ${String(file)}`.trim() : error.code;
}
