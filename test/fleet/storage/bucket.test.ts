import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { PART_BYTES } from '../../../src/fleet/storage/bucket.ts';
import { readCredentials } from '../../../src/fleet/storage/credentials.ts';
import { proxyTo } from '../../support/proxy.ts';
import { tempHome } from '../../support/temp-home.ts';
import { bucketOf, credentialsFile, fileOf, startS3 } from './support.ts';

const signal = new AbortController().signal;
const folder = () => tempHome().root;

describe('a file in a bucket', () => {
  it.each([
    ['nothing', 0],
    ['a picture', 70_000],
    ['exactly a part', PART_BYTES],
    ['a part and a byte', PART_BYTES + 1],
    ['several parts', 2 * PART_BYTES + 12_345],
  ])('is what it was here: %s', async (_, bytes) => {
    const s3 = await startS3();
    const bucket = bucketOf(s3);
    const file = fileOf(folder(), 'fox ü+&.png', bytes);
    const key = 'made/k3f9xw/fox ü+&.png';
    await bucket.put(key, file.path, file, signal);
    expect(s3.bucket().objects.get(key)?.bytes.equals(file.content)).toBe(true);
    expect(s3.bucket().uploads.size).toBe(0);
    expect((await buffer(await bucket.get(key, 0, bytes, signal))).equals(file.content)).toBe(true);
  });

  it('is given from a byte on, and is gone once it is removed, also twice', async () => {
    const s3 = await startS3();
    const bucket = bucketOf(s3);
    const file = fileOf(folder(), 'fox.png', 70_000);
    await bucket.put('fox.png', file.path, file, signal);
    const rest = await buffer(await bucket.get('fox.png', 69_000, file.bytes, signal));
    expect(rest.equals(file.content.subarray(69_000))).toBe(true);
    await bucket.remove('fox.png', signal);
    await bucket.remove('fox.png', signal);
    await expect(bucket.get('fox.png', 0, file.bytes, signal)).rejects.toMatchObject({ code: 'outputGone' });
  });

  it('that is another than its record says is not given', async () => {
    const s3 = await startS3();
    s3.bucket().put('fox.png', Buffer.alloc(10), {});
    await expect(bucketOf(s3).get('fox.png', 0, 11, signal)).rejects.toMatchObject({ code: 'outputGone' });
  });

  it('is put there once, however often that is asked', async () => {
    const s3 = await startS3();
    const bucket = bucketOf(s3);
    const file = fileOf(folder(), 'fox.png', 5_000);
    for (let time = 0; time < 3; time += 1) await bucket.put('fox.png', file.path, file, signal);
    expect(s3.bucket().timesPut.get('fox.png')).toBe(1);
  });

  it('that has another content under its key is replaced by what it is to be', async () => {
    const s3 = await startS3();
    const file = fileOf(folder(), 'fox.png', 5_000);
    s3.bucket().put('fox.png', Buffer.alloc(5_000), { sha256: 'b'.repeat(64) });
    await bucketOf(s3).put('fox.png', file.path, file, signal);
    expect(s3.bucket().objects.get('fox.png')?.bytes.equals(file.content)).toBe(true);
  });

  it.each([100, PART_BYTES + 100])(
    'of %d bytes that is no longer what its record says is not put there at all',
    async (bytes) => {
      const s3 = await startS3();
      const file = fileOf(folder(), 'fox.png', bytes);
      appendFileSync(file.path, 'x');
      const put = bucketOf(s3).put('fox.png', file.path, file, signal);
      await expect(put).rejects.toMatchObject({ code: 'inputChanged' });
      expect(s3.bucket().objects.size + s3.bucket().uploads.size).toBe(0);
    },
  );

  it('of many parts leaves nothing of an upload that was cut off before', async () => {
    const s3 = await startS3();
    const id = s3.bucket().begin('fox.mp4', {});
    s3.bucket().part(id, 1, Buffer.alloc(1_000));
    const other = s3.bucket().begin('fox.mp4.json', {});
    const file = fileOf(folder(), 'fox.mp4', PART_BYTES + 5);
    await bucketOf(s3).put('fox.mp4', file.path, file, signal);
    expect([...s3.bucket().uploads.keys()]).toEqual([other]);
  });
});

describe('what passes is got over', () => {
  it.each([
    ['slowDown', 'PutObject', 3_000],
    ['corrupt', 'PutObject', 3_000],
    ['cutAfter', 'PutObject', 3_000],
    ['slowDown', 'UploadPart', PART_BYTES + 1_000],
    ['corrupt', 'UploadPart', PART_BYTES + 1_000],
    ['cutAfter', 'CreateMultipartUpload', PART_BYTES + 1_000],
  ] as const)('%s of %s', async (kind, operation, bytes) => {
    const s3 = await startS3();
    s3.faults = [{ operation, kind, times: 1 }];
    const file = fileOf(folder(), 'fox.png', bytes);
    const bucket = bucketOf(s3);
    // What the SDK does not try again by itself is tried again with the next look.
    await bucket.put('fox.png', file.path, file, signal).catch((error: { code: string }) => {
      expect(error.code).toBe('storageUnreachable');
      return bucket.put('fox.png', file.path, file, signal);
    });
    expect(s3.bucket().objects.get('fox.png')?.bytes.equals(file.content)).toBe(true);
    expect(s3.faults).toEqual([]);
  });

  it('half a file, of which the server says nothing, is noticed and put there anew', async () => {
    const s3 = await startS3();
    s3.faults = [{ operation: 'PutObject', kind: 'half', times: 1 }];
    const file = fileOf(folder(), 'fox.png', 3_000);
    const bucket = bucketOf(s3);
    await expect(bucket.put('fox.png', file.path, file, signal)).rejects.toMatchObject({
      code: 'storageUnreachable',
    });
    await bucket.put('fox.png', file.path, file, signal);
    expect(s3.bucket().objects.get('fox.png')?.bytes.equals(file.content)).toBe(true);
  });

  it('a clock that is an hour off, by what the bucket says of the time', async () => {
    const s3 = await startS3({ aheadMs: 3_600_000 });
    const file = fileOf(folder(), 'fox.png', 3_000);
    await bucketOf(s3).put('fox.png', file.path, file, signal);
    expect(s3.bucket().objects.size).toBe(1);
  });

  it('a body that ends too early is told to whoever reads it', async () => {
    const s3 = await startS3();
    const file = fileOf(folder(), 'fox.png', 300_000);
    const bucket = bucketOf(s3);
    await bucket.put('fox.png', file.path, file, signal);
    s3.faults = [{ operation: 'GetObject', kind: 'cut', times: 1 }];
    await expect(buffer(await bucket.get('fox.png', 0, file.bytes, signal))).rejects.toThrow();
  });
});

describe('a bucket', () => {
  const ACCESS = { accessKeyId: 'SOMEBODYELSE', secretAccessKey: 'x', region: 'us-east-1' };
  it.each([
    ['another access key', {}, ACCESS, 'storageRefused', { reason: 'credentials' }],
    [
      'another secret',
      {},
      { ...ACCESS, accessKeyId: 'SIMACCESSKEYID123456' },
      'storageRefused',
      { reason: 'credentials' },
    ],
    [
      'a bucket that is not there',
      { bucket: 'nowhere' },
      undefined,
      'storageRefused',
      { reason: 'noBucket' },
    ],
    ['another region', { region: 'eu-west-1' }, undefined, 'storageRefused', { reason: 'region' }],
    ['nobody at the endpoint', { endpoint: 'http://127.0.0.1:9' }, undefined, 'storageUnreachable', {}],
  ])('tells %s as what it is', async (_, place, account, code, detail) => {
    const s3 = await startS3();
    const file = fileOf(folder(), 'fox.png', 3_000);
    const bucket = bucketOf(s3, place, account ?? s3.account);
    const failure = await bucket.put('fox.png', file.path, file, signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, detail });
    await expect(bucket.probe('probe', signal)).rejects.toMatchObject({ code });
    expect(JSON.stringify(failure)).not.toContain(s3.account.secretAccessKey);
  });

  it.each([
    ['full', 'storageRefused', { reason: 'full' }],
    ['denied', 'storageRefused', { reason: 'denied' }],
    ['slowDown', 'storageUnreachable', { detail: expect.stringContaining('SlowDown') }],
  ] as const)('that is %s says so', async (kind, code, detail) => {
    const s3 = await startS3();
    s3.faults = [{ operation: 'PutObject', kind }];
    const file = fileOf(folder(), 'fox.png', 3_000);
    await expect(bucketOf(s3).put('fox.png', file.path, file, signal)).rejects.toMatchObject({
      code,
      detail,
    });
  });

  it('is found by its own name before the host, through the proxy that the environment names', async () => {
    const s3 = await startS3();
    const proxy = await proxyTo(s3.port);
    const before = process.env.HTTP_PROXY;
    process.env.HTTP_PROXY = proxy.url;
    const bucket = bucketOf(s3, { endpoint: 'http://s3.invalid:9000', style: 'virtual' });
    if (before === undefined) delete process.env.HTTP_PROXY;
    else process.env.HTTP_PROXY = before;
    const file = fileOf(folder(), 'fox ü.png', 3_000);
    await bucket.put('made/fox ü.png', file.path, file, signal);
    expect(s3.bucket().objects.get('made/fox ü.png')?.bytes.equals(file.content)).toBe(true);
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT studio.s3.invalid:9000']));
  });

  it('is probed by writing, reading and removing, and nothing of that stays', async () => {
    const s3 = await startS3();
    await bucketOf(s3).probe('made/probe', signal);
    expect(s3.requests.map(({ operation }) => operation)).toEqual(['PutObject', 'GetObject', 'DeleteObject']);
    expect(s3.bucket().objects.size).toBe(0);
  });
});

describe('a file of credentials', () => {
  it('is read as AWS writes it', async () => {
    const s3 = await startS3();
    const { accessKeyId, secretAccessKey } = s3.account;
    expect(await readCredentials(credentialsFile(folder(), s3))).toEqual({ accessKeyId, secretAccessKey });
  });

  it.each([
    ['is not there', undefined, 0o600, 'no such file'],
    [
      'others can read',
      '[default]\naws_access_key_id=A\naws_secret_access_key=B\n',
      0o640,
      'others can read',
    ],
    ['has no secret', '[default]\naws_access_key_id=A\n', 0o600, 'no access key and secret key'],
    ['has several sections, and none that is the default', '[a]\nx=1\n[b]\ny=2\n', 0o600, 'no access key'],
  ])('that %s is refused, without what is in it', async (_, text, mode, why) => {
    const path = `${folder()}/credentials`;
    if (text !== undefined) {
      writeFileSync(path, text);
      chmodSync(path, mode);
    }
    await expect(readCredentials(path)).rejects.toMatchObject({
      code: 'usage',
      detail: { message: expect.stringContaining(why) },
    });
  });
});
