import { expect, it } from 'vitest';
import { startS3 } from './support.ts';

it('the simulated S3 lets nobody in who has not signed, so that the tests of signing can fail', async () => {
  const s3 = await startS3();
  const put = await fetch(`${s3.url}/studio/fox.png`, { method: 'PUT', body: 'x' });
  expect([put.status, await put.text()]).toEqual([403, expect.stringContaining('AccessDenied')]);
  expect(s3.bucket().objects.size).toBe(0);
});
