import { expect, it } from 'vitest';
import { ComfyLog } from '../../src/services/comfyui-log.ts';

const CRASH = 'ComfyUI crashed — check the logs above.';
const DRIVER = 'RuntimeError: The NVIDIA driver on your system is too old (found version 12040).';

function verdictOf(lines: string[], doubtMs = 60_000) {
  const log = new ComfyLog();
  for (const line of lines) log.read(line);
  return log.verdict('p1', doubtMs);
}

it('a crash is one with the last lines before it', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const verdict = verdictOf([...lines, '', CRASH]);
  expect(verdict?.code).toBe('comfyCrashed');
  expect(verdict?.detail.lines).toEqual(lines.slice(-12));
});

it.each([
  [DRIVER, 'driver'],
  ['CUDA driver version is insufficient for CUDA runtime version', 'driver'],
  ['RuntimeError: CUDA error: no kernel image is available for execution on the device', 'architecture'],
])('a crash after “%s” is the host’s fault', (line, cause) => {
  const { code, detail } = verdictOf([line, '  at somewhere', CRASH]) ?? {};
  expect([code, detail]).toEqual(['gpuUnusable', { podId: 'p1', cause, line }]);
});

it('a complaint about the GPU alone is doubted for a while, then believed', () => {
  expect(verdictOf([DRIVER])).toBeUndefined();
  expect(verdictOf([DRIVER], 0)?.code).toBe('gpuUnusable');
});

it.each([
  'To see the GUI go to: http://0.0.0.0:8188',
  '[ComfyUI-Manager] All startup tasks have been completed.',
])('what was said before “%s” is over', (line) => {
  expect(verdictOf([DRIVER, CRASH, line], 0)).toBeUndefined();
  expect(verdictOf([line, 'Traceback', CRASH])?.code).toBe('comfyCrashed');
});

it('a log that says nothing of the kind leaves it open', () => {
  expect(
    verdictOf(['Starting ComfyUI...', 'a node crashed', 'pytorch version: 2.8.0+cu128'], 0),
  ).toBeUndefined();
});

it('whether it has been up in this boot is told by its own words', () => {
  const log = new ComfyLog();
  log.read('Starting ComfyUI...');
  expect(log.hasBeenUp).toBe(false);
  log.read('To see the GUI go to: http://0.0.0.0:8188');
  expect(log.hasBeenUp).toBe(true);
});
