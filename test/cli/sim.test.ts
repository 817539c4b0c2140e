import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inProcess } from '../support/shell.ts';
import { tempHome } from '../support/temp-home.ts';

const world = () => {
  const { root } = tempHome();
  return { root, env: { PATH: process.env.PATH, HOME: root, AUTOPOD_HOME: root } };
};

it.each([
  ['of a file that is missing', undefined, 'there is no such file'],
  ['that is no JSON', '{', 'JSON'],
  ['with a key that does not exist', '{"latency": {}}', 'unknown key "latency"'],
  ['with a value of another kind', '{"balance": "much"}', 'balance'],
])('a scenario %s is a plain error that names the file', async (_, text, words) => {
  const { root, env } = world();
  const file = join(root, 'scenario.json');
  if (text !== undefined) writeFileSync(file, text);
  const { code, stderr } = await inProcess({ env }, ['sim', '--scenario', file]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`--scenario: scenario ${file}: `)]);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain('    at ');
});

it('a port that is taken is told with who has it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await inProcess(world(), ['sim', '--port', String(port)]);
  server.close();
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(`Port ${port} on this machine is taken by .*${process.pid}`),
  ]);
});
