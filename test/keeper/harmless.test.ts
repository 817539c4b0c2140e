import { expect, it } from 'vitest';
import { isHarmlessRequest } from '../../src/keeper/harmless.ts';

const asked = (line: string, rest = 'Host: x\r\n\r\n') => isHarmlessRequest(`${line} HTTP/1.1\r\n${rest}`);

it.each([
  'GET /',
  'GET /queue',
  'HEAD /api/history/123?max_items=1',
  'GET /view?filename=%E7%8C%AB.png&subfolder=a%2Fb',
  'GET /ws?clientId=1',
  'GET /assets/index-1a2b.js',
  'GET /api/experiment/models',
  'GET /object_info/KSampler',
])('%s may be asked twice', (line) => expect(asked(line)).toBe(true));

it.each([
  'GET /manager/reboot',
  'GET /api/manager/reboot',
  'HEAD /manager/reboot',
  'GET /customnode/install',
  'GET /view/../manager/reboot',
  'GET /view/%2e%2e/manager/reboot',
  'GET //manager/reboot',
  'GET http://localhost:8188/queue',
  'POST /queue',
  'GET /constructor',
])('%s may not', (line) => expect(asked(line)).toBe(false));

it('a head that is not whole, or is followed by something, may not', () => {
  expect(asked('GET /queue', 'Host: x\r\n')).toBe(false);
  expect(asked('GET /queue', 'Host: x\r\n\r\nGET /queue HTTP/1.1\r\n\r\n')).toBe(false);
});
