import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadScenario, parseScenario } from '../../sim/scenario.ts';
import { scratchDirectory } from './support/ssh.ts';

it('is complete without a word from the user, and boots a pod in about four seconds', () => {
  const { latencies, gpus, stock, networkVolumes } = parseScenario();
  const boot = latencies.provisioningMs + latencies.imagePullMs + latencies.publicPortMs + latencies.sshdMs;
  expect(boot + latencies.comfyStartMs).toBeGreaterThan(3000);
  expect(boot + latencies.comfyStartMs).toBeLessThan(5000);
  expect(gpus.map(({ id }) => id)).toContain('NVIDIA GeForce RTX 4090');
  expect(Object.keys(stock).every((id) => gpus.some((gpu) => gpu.id === id))).toBe(true);
  expect(networkVolumes).toHaveLength(1);
});

it('keeps the default latencies that are not named', () => {
  const { latencies } = parseScenario({ latencies: { stopMs: 7 } });
  expect(latencies).toMatchObject({ stopMs: 7, provisioningMs: 400 });
});

it('names each unknown key and where it stands', () => {
  expect(() => parseScenario({ latencys: {}, latencies: { bootMs: 1 } })).toThrow(
    /latencies: unknown key "bootMs"[\s\S]*scenario: unknown key "latencys"/,
  );
});

it('refuses a fault for an operation that does not exist', () => {
  expect(() => parseScenario({ faults: [{ route: 'createPods', kind: 'dropAfter' }] })).toThrow(
    /faults\.0.*operationId/,
  );
});

it('has every key in the guide', () => {
  const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guides', 'simulator.md'), 'utf8');
  const { latencies, comfyui, ...others } = parseScenario();
  for (const key of [...Object.keys(others), ...Object.keys(latencies), ...Object.keys(comfyui)]) {
    expect(guide).toContain(`\`${key}\``);
  }
});

it('tells which file is wrong, and why', async () => {
  const file = join(scratchDirectory(), 'scenario.json');
  writeFileSync(file, '{"nope": 1}');
  await expect(loadScenario(file)).rejects.toThrow(`scenario ${file}: scenario: unknown key "nope"`);
  writeFileSync(file, '{');
  await expect(loadScenario(file)).rejects.toThrow(`scenario ${file}:`);
});
