import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type S3Options, S3Simulator } from '../../../sim/s3/server.ts';
import { Bucket } from '../../../src/fleet/storage/bucket.ts';
import { requireLibrary } from '../../../src/fleet/storage/library.ts';
import type { BucketPlace } from '../../../src/fleet/storage/settings.ts';

/** The SDK of this project. */
export const LIBRARY = requireLibrary(tmpdir());

export interface TestFile {
  path: string;
  content: Buffer;
  bytes: number;
  sha256: string;
}

/** A file of so many random bytes. */
export function fileOf(folder: string, name: string, bytes: number): TestFile {
  const content = randomBytes(bytes);
  const path = join(folder, name);
  writeFileSync(path, content);
  return { path, content, bytes, sha256: createHash('sha256').update(content).digest('hex') };
}

/** One that ends with the test. */
export async function startS3(options: S3Options = {}): Promise<S3Simulator> {
  const s3 = await S3Simulator.start(options);
  onTestFinished(() => s3.close());
  return s3;
}

/** A bucket of it as the server opens it, entered as its account. */
export function bucketOf(s3: S3Simulator, changes: Partial<BucketPlace> = {}, account = s3.account): Bucket {
  const place: BucketPlace = {
    id: 's3-1',
    bucket: 'studio',
    prefix: 'made',
    endpoint: s3.url,
    region: 'us-east-1',
    style: 'path',
    credentials: null,
    ...changes,
  };
  const { accessKeyId, secretAccessKey } = account;
  const bucket = new Bucket(place, LIBRARY, { accessKeyId, secretAccessKey });
  onTestFinished(() => bucket.close());
  return bucket;
}

/** Writes credentials as a person would. */
export function credentialsFile(folder: string, { account }: S3Simulator, mode = 0o600): string {
  const path = join(folder, 's3-credentials');
  const { accessKeyId, secretAccessKey } = account;
  const text = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  writeFileSync(path, text, { mode });
  return path;
}
