import { appendFile, readFile } from 'node:fs/promises';
import type { FleetHome } from '../home.ts';

/** Every public key that a member has ever logged in with: pods may know it, whoever it belonged to. */
export class KeyLog {
  readonly #path: string;

  constructor({ knownKeys }: Pick<FleetHome, 'knownKeys'>) {
    this.#path = knownKeys;
  }

  async note(publicKeys: string[]): Promise<void> {
    const known = await this.all();
    const lines = publicKeys.map(keyOf).filter((key) => key !== '' && !known.includes(key));
    // It begins with a line feed, so that a line cut off by a crash does not swallow this one.
    if (lines.length > 0) await appendFile(this.#path, `\n${lines.join('\n')}`, { mode: 0o600 });
  }

  async all(): Promise<string[]> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    return [...new Set(text.split('\n').filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line)))];
  }
}

/** The key itself of a line as in authorized_keys. */
export function keyOf(line: string): string {
  return line.split(' ')[1] ?? '';
}
