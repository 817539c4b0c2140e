import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requireLibrary } from '../../../src/fleet/storage/library.ts';
import { tempHome } from '../../support/temp-home.ts';

it('the SDK that is not installed is told as storageMissing', () => {
  const { root } = tempHome();
  expect(() => requireLibrary(join(root, 's3'), join(root, 'autopod.js'))).toThrow(
    expect.objectContaining({ code: 'storageMissing' }),
  );
});
