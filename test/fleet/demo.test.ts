import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isWholeAsked } from './support/engine.ts';

it.skipIf(!isWholeAsked)(
  'the demo of a studio ends every job once and its pool at zero, and leaves nothing behind',
  {
    timeout: 240_000,
  },
  async () => {
    const TMPDIR = mkdtempSync(join(tmpdir(), 'ap-d-'));
    onTestFinished(() => rmSync(TMPDIR, { recursive: true, force: true }));
    const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
      const env = { PATH: process.env.PATH, HOME: TMPDIR, TMPDIR };
      execFile(process.execPath, ['dist/demo-fleet.js'], { env }, (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === 'number' ? error.code : error ? 1 : 0,
          output: stdout + stderr,
        }),
      );
    });
    expect(code, output).toBe(0);
    for (const name of ['ann', 'bob', 'cleo'])
      expect(output).toContain(
        `${name}: 8 of 8 jobs done, made 8 times in all by ComfyUI, 8 files here, exit code 0`,
      );
    expect(output).toContain("The server's process is killed with");
    expect(output).toMatch(/cleo +8 +8 +8/);
    expect(output).toContain('The fleet has no pods now');
    expect(readdirSync(TMPDIR)).toEqual([]);
  },
);
