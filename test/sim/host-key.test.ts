import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { expect, it } from 'vitest';
import { generateHostKey } from '../../sim/ssh/host-key.ts';
import { scratchDirectory } from './support/ssh.ts';

const module = join(import.meta.dirname, '..', '..', 'sim', 'ssh', 'host-key.ts');

it('is a key that OpenSSH reads', () => {
  const file = join(scratchDirectory(), 'host');
  writeFileSync(file, generateHostKey(), { mode: 0o600 });
  expect(execFileSync('ssh-keygen', ['-y', '-f', file]).toString()).toMatch(/^ssh-ed25519 AAAA\S+\s*$/);
});

it('is a key that ssh2 reads, each time, and never the same', () => {
  const keys = Array.from({ length: 1000 }, generateHostKey);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => ssh2.utils.parseKey(key) instanceof Error)).toEqual([]);
});

// A lock-up cannot be waited for in this process; the child says how far it came.
it('never locks up, however many pods are made while the garbage collector runs', () => {
  const made = execFileSync(process.execPath, [
    '--max-semi-space-size=1',
    '--import',
    'tsx',
    '--eval',
    `import { generateHostKey } from ${JSON.stringify(module)};
       for (let n = 0; n < 20000; n++) generateHostKey();
       console.log('done');`,
  ]);
  expect(made.toString()).toBe('done\n');
});
