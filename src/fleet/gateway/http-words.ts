import { AutopodError } from '../../errors.ts';

/** With every answer: nothing of it is kept, or taken for something else. */
export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

export function refused(status: number, reason: string): AutopodError {
  return new AutopodError('gatewayRefused', { status, reason });
}
