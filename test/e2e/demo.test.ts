import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

it('the demo goes through the whole lifecycle, ends 0 and leaves nothing behind', async () => {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'ap-d-'));
  onTestFinished(() => rmSync(TMPDIR, { recursive: true, force: true }));
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const env = { PATH: process.env.PATH, HOME: TMPDIR, TMPDIR };
    execFile(process.execPath, ['dist/demo.js'], { env }, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : error ? 1 : 0,
        output: stdout + stderr,
      }),
    );
  });
  expect(code, output).toBe(0);
  for (const step of [
    'Volume validated',
    'Booting',
    'pulling the image: 100 %',
    'ComfyUI starting',
    'ComfyUI available at http://localhost:',
    'ComfyUI 0.33.0 on cuda:0 NVIDIA A40',
    'Pod Information',
    'ComfyUI: Ready',
    'fox.json',
    'Done in',
    'Ended pod',
  ]) {
    expect(output).toContain(step);
  }
  expect(output).toMatch(/^\S+\/pictures\/\S+\.png$/m);
  expect(readdirSync(TMPDIR)).toEqual([]);
});
