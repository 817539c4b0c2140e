import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { npmInstall } from '../npm-install.ts';

/** What is installed when nothing else is asked for: what the fleet's tests run on. */
export const SERVER_VERSION = '1.7.12';

const PACKAGE = '@restatedev/restate-server';

/** Systems for which there is one. */
const BUILT_FOR = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * Restate's server: the one of the project autopod stands in, or the one that `autopod serve --install` has put into
 * `folder`. Undefined where there is none.
 */
export function findServerBinary(folder: string, system = thisSystem()): string | undefined {
  for (const from of [join(folder, 'package.json'), import.meta.filename]) {
    const binary = resolveFrom(from, system);
    if (binary && existsSync(binary)) return binary;
  }
  return undefined;
}

/** As `findServerBinary`. Throws `engineMissing`. */
export function requireServerBinary(folder: string, system = thisSystem()): string {
  const binary = findServerBinary(folder, system);
  if (binary) return binary;
  throw new AutopodError('engineMissing', { system, isBuilt: BUILT_FOR.includes(system) });
}

// The package holds no binary, only the one for this system among its optional dependencies.
function resolveFrom(from: string, system: string): string | undefined {
  try {
    const own = createRequire(createRequire(from).resolve(`${PACKAGE}/package.json`));
    return join(dirname(own.resolve(`${PACKAGE}-${system}/package.json`)), 'bin', 'restate-server');
  } catch {
    return undefined;
  }
}

function thisSystem(): string {
  return `${platform()}-${arch()}`;
}

/** Has npm put the server into a folder of its own. Its install scripts are not run. Throws `engineMissing`. */
export async function installServer(folder: string, signal: AbortSignal): Promise<string> {
  const system = thisSystem();
  if (!BUILT_FOR.includes(system)) throw new AutopodError('engineMissing', { system, isBuilt: false });
  const failure = await npmInstall(folder, [`${PACKAGE}@${SERVER_VERSION}`], signal);
  const binary = findServerBinary(folder);
  if (!failure && binary) return binary;
  const detail = failure ?? 'npm has put no server there';
  throw new AutopodError('engineMissing', { system, isBuilt: true, detail });
}
