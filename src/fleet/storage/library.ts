import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as S3 from '@aws-sdk/client-s3';
import type * as Storage from '@aws-sdk/lib-storage';
import { AutopodError } from '../../errors.ts';
import type { Home } from '../../store/home.ts';
import { npmInstall } from '../npm-install.ts';

/** What is installed when nothing else is asked for: what the tests run on. */
const LIBRARY_VERSION = '3.1175.0';
const CLIENT = '@aws-sdk/client-s3';
const UPLOADS = '@aws-sdk/lib-storage';

/** The SDK of AWS for S3, which is no part of autopod. */
export type Library = typeof S3 & Pick<typeof Storage, 'Upload'>;

/** The folder into which `autopod serve storage --install` has npm put it. */
export function libraryFolder({ root }: Pick<Home, 'root'>): string {
  return join(root, 's3');
}

/** The one of `folder`, or of the project autopod stands in. Throws `storageMissing`. */
export function requireLibrary(folder: string, own = import.meta.filename): Library {
  const library = findLibrary(folder, own);
  if (library) return library;
  throw new AutopodError('storageMissing', {});
}

/** Has npm put it into a folder of its own. Throws `storageMissing`. */
export async function installLibrary(folder: string, signal: AbortSignal): Promise<void> {
  const packages = [CLIENT, UPLOADS].map((name) => `${name}@${LIBRARY_VERSION}`);
  const failure = await npmInstall(folder, packages, signal);
  if (!failure && findLibrary(folder, import.meta.filename)) return;
  throw new AutopodError('storageMissing', { detail: failure ?? 'npm has put nothing there' });
}

function findLibrary(folder: string, own: string): Library | undefined {
  // It would tell at each start that a later version of it will ask for a later Node; this version stays.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  for (const from of [join(folder, 'package.json'), own]) {
    const load = createRequire(from);
    try {
      return { ...(load(CLIENT) as typeof S3), Upload: (load(UPLOADS) as typeof Storage).Upload };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}
