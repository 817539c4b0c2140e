import { expect, it } from 'vitest';
import { AutopodError } from '../../src/errors.ts';
import { usualLocalPort } from '../../src/services/usual-local-port.ts';

it('the usual local port is 8188, or what AUTOPOD_LOCAL_PORT says', () => {
  expect(usualLocalPort({})).toBe(8188);
  expect(usualLocalPort({ AUTOPOD_LOCAL_PORT: '' })).toBe(8188);
  expect(usualLocalPort({ AUTOPOD_LOCAL_PORT: '8288' })).toBe(8288);
});

it.each(['0', '65536', '80.5', 'auto', '-1', ' 8188'])(
  'AUTOPOD_LOCAL_PORT=%j is a usage error that names it',
  (said) => {
    const ask = () => usualLocalPort({ AUTOPOD_LOCAL_PORT: said });
    expect(ask).toThrow(AutopodError);
    expect(ask).toThrow(
      expect.objectContaining({
        code: 'usage',
        detail: expect.objectContaining({ message: expect.stringContaining(said) }),
      }),
    );
  },
);
