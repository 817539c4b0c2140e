import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../../src/version.ts';
import type { TestFleet } from './fleet.ts';

export interface OtherVersion {
  /** Begins to serve the fleet, at its address. */
  serve: (args?: string[]) => Serving;
  end: () => void;
}

export interface Serving {
  child: ChildProcess & { pid: number };
  said: () => string;
  /** Resolves when it serves; throws with what it said where it ended first. */
  served: Promise<void>;
  ended: Promise<number | null>;
}

/** The same program under another version's number, in a folder of its own. */
export function otherVersion(fleet: TestFleet, version: string): OtherVersion {
  mkdirSync('test-artifacts', { recursive: true });
  const folder = mkdtempSync('test-artifacts/version-');
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  const own = `version: "${VERSION}"`;
  for (const name of ['cli.js', 'keeper.js', 'quick.js', 'run.js', 'status.js'])
    rename(join(folder, 'dist', name));
  for (const name of chunksIn(folder)) rename(name);
  function rename(path: string): void {
    const text = readFileSync(path, 'utf8');
    if (text.includes(own)) writeFileSync(path, text.replace(own, `version: "${version}"`));
  }
  return {
    serve: (args = []) => {
      const at = new URL(fleet.url).host;
      const command = [join(folder, 'dist', 'cli.js'), 'serve', '--listen', at, ...args];
      const child = spawn(process.execPath, command, {
        env: fleet.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      }) as Serving['child'];
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => {
          said += text;
        });
      const ended = once(child, 'close').then(([code]) => code as number | null);
      const served = new Promise<void>((resolve, reject) => {
        child.stderr?.on('data', () => {
          if (said.includes('Serving a fleet at')) resolve();
        });
        void ended.then((code) => reject(new Error(`ended with ${code}: ${said}`)));
      });
      served.catch(() => undefined);
      return { child, said: () => said, served, ended };
    },
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function chunksIn(folder: string): string[] {
  const chunks = join(folder, 'dist', 'chunks');
  return readdirSync(chunks).map((name) => join(chunks, name));
}
