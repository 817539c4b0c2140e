import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import type { TestWorld } from './world.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

/** Whether there is util-linux's `script`, which gives a command a pseudo-terminal. */
export const HAS_SCRIPT = hasScript();

export interface Terminal {
  type(keys: string): void;
  /** Everything shown so far, control sequences included. */
  screen(): string;
  /** Types these keys once the words have been shown. */
  when(words: RegExp, keys: string): Promise<void>;
  ended: Promise<{ code: number; screen: string }>;
}

/** Runs a command line on a pseudo-terminal of its own. */
export function onTerminal(
  world: TestWorld,
  argv: string[],
  { columns = 80, env = {} }: { columns?: number; env?: NodeJS.ProcessEnv } = {},
): Terminal {
  const { NO_COLOR: _, CI: __, ...colorful } = world.env;
  const command = ['stty', 'cols', columns, 'rows', 24, '&&', 'exec', process.execPath, cli, ...argv].join(
    ' ',
  );
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...colorful, TERM: 'xterm', SHELL: '/bin/sh', LANG: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  return {
    type: (keys) => void child.stdin.write(keys),
    screen: () => screen,
    when: async (words, keys) => {
      await expect.poll(() => stripVTControlCharacters(screen), { timeout: 20_000 }).toMatch(words);
      child.stdin.write(keys);
    },
    ended: once(child, 'close').then(([code]) => ({ code: code as number, screen })),
  };
}

function hasScript(): boolean {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
