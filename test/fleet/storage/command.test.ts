import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { inProcess } from '../../support/shell.ts';
import { keptFiles, SIGNAL } from './kept-files.ts';
import { credentialsFile, startS3 } from './support.ts';

/** `autopod serve storage` at the server. */
function shell() {
  const kept = keptFiles();
  const root = join(kept.home.root, '..');
  const env = { PATH: process.env.PATH, HOME: root, AUTOPOD_HOME: root, NO_COLOR: '1' };
  const storage = (...argv: string[]) => inProcess({ env }, ['serve', 'storage', ...argv]);
  return {
    ...kept,
    root,
    storage,
    shown: async (...argv: string[]) => JSON.parse((await storage(...argv, '--json')).stdout),
    settingsText: () => {
      try {
        return readFileSync(kept.home.storage, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

describe('autopod serve storage', () => {
  it('says how it is where nothing was said', async () => {
    const { storage, shown } = shell();
    const { code, stdout } = await storage();
    expect(code).toBe(0);
    expect(stdout).toContain('stays on the disk of the server');
    expect(stdout).toContain('kept for 7 days after no job has needed them');
    expect(stdout).toContain('for 30 days after the job has ended');
    expect(await shown()).toMatchObject({ bucket: null, waiting: { files: 0 }, trouble: null, people: [] });
  });

  it('has npm put the SDK beside, though `serve` can have something installed as well', async () => {
    const { root } = shell();
    const programs = join(root, 'bin');
    const asked = join(root, 'asked');
    mkdirSync(programs);
    writeFileSync(
      join(programs, 'npm'),
      `#!/bin/sh\necho "$@" >> '${asked}'\necho no such luck >&2\nexit 1\n`,
      {
        mode: 0o755,
      },
    );
    const env = { PATH: `${programs}:${process.env.PATH}`, HOME: root, AUTOPOD_HOME: root, NO_COLOR: '1' };
    const install = (...argv: string[]) =>
      execa(process.execPath, ['dist/cli.js', 'serve', ...argv, '--install'], {
        ...{ env, extendEnv: false, reject: false },
      });
    const { exitCode, stderr } = await install('storage');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('no such luck')]);
    expect(readFileSync(asked, 'utf8')).toMatch(
      new RegExp(
        `^install --prefix ${root}/s3 .*--ignore-scripts.* @aws-sdk/client-s3@\\S+ @aws-sdk/lib-storage@\\S+\n$`,
      ),
    );
    await install();
    expect(readFileSync(asked, 'utf8')).toContain('@restatedev/restate-server@');
  });

  it('takes a bucket that it could write, read and empty, and what it is entered with stays in its file', async () => {
    const s3 = await startS3();
    const { storage, shown, root, home } = shell();
    const credentials = credentialsFile(root, s3);
    const { code, stdout, stderr } = await storage(
      ...['s3://studio/made/', '--endpoint', s3.url, '--credentials', credentials],
    );
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining(`s3://studio/made at ${s3.url}`)]);
    expect(s3.bucket().objects.size).toBe(0);
    expect(await shown()).toMatchObject({
      bucket: { bucket: 'studio', prefix: 'made', endpoint: s3.url, style: 'path', region: 'us-east-1' },
    });
    expect(statSync(home.storage).mode & 0o077).toBe(0);
    const found = execFileSync('grep', ['-rlaF', s3.account.secretAccessKey, root], { encoding: 'utf8' });
    expect(found.trim().split('\n')).toEqual([credentials]);
    const journal = readFileSync(home.journal, 'utf8');
    expect(journal).toContain('s3://studio/made');
    expect(journal).not.toContain(s3.account.accessKeyId);
  });

  it('takes what the SDK finds in its environment where no file is named', async () => {
    const s3 = await startS3();
    const { root } = shell();
    const env = {
      PATH: process.env.PATH,
      HOME: root,
      AUTOPOD_HOME: root,
    };
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: s3.account.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.account.secretAccessKey,
    });
    const shown = await inProcess({ env }, ['serve', 'storage', 's3://studio', '--endpoint', s3.url]);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    expect(shown, shown.stderr).toMatchObject({ code: 0 });
  });

  it('goes back to the disk, and knows of the bucket what lies there', async () => {
    const s3 = await startS3();
    const { storage, settings, useBucket, job, mover, shown } = shell();
    await useBucket(s3);
    await job('k3f9xw', [2_000_000]);
    await mover().move(SIGNAL);
    const { code, stderr } = await storage('disk');
    expect([code, stderr]).toEqual([0, expect.stringContaining('within reach')]);
    const { current, buckets } = await settings.read();
    expect([current, buckets.length]).toEqual([null, 1]);
    expect((await shown()).people).toMatchObject([
      { name: 'ann', jobs: 1, files: 1, inBuckets: 2_000_000, onDisk: 0 },
    ]);
  });

  it('says whose files there are, and what has yet to go to the bucket', async () => {
    const s3 = await startS3();
    const { storage, useBucket, job, content } = shell();
    await useBucket(s3);
    await job('aaaaa2', [3_000_000, 1_000_000]);
    const sent = content('c'.repeat(64), 1, '.png');
    const inputs = [{ path: sent, sha256: 'c'.repeat(64), bytes: 5_000_000, targets: [] }];
    await job('bbbbb2', [7_000_000], { owner: 'bob', inputs });
    await job('ccccc2', [9_000_000], { cleanedAt: 1 });
    const { stdout } = await storage();
    expect(stdout).toMatch(/bob +1 +1 +7\.0 MB +0\.0 MB +5\.0 MB/);
    expect(stdout).toMatch(/ann +1 +2 +4\.0 MB +0\.0 MB +0\.0 MB/);
    expect(stdout).toContain('have yet to go there');
  });

  it('changes for how long files are kept, and how much of the disk they may have', async () => {
    const { storage, settings } = shell();
    const sizes = ['--keep-free', '5GB', '--quota', '1.5TB'];
    expect((await storage('--keep-inputs', '2d', '--keep-outputs', 'never', ...sizes)).code).toBe(0);
    expect(await settings.read()).toMatchObject({
      keepInputsMs: 2 * 86_400_000,
      keepOutputsMs: null,
      keepFree: 5e9,
      quota: 1.5e12,
    });
    expect((await storage('--quota', 'none')).stdout).toContain('what jobs make for ever');
    expect(await settings.read()).toMatchObject({ keepInputsMs: 2 * 86_400_000, quota: null });
  });

  it.each([
    [['s3:/studio'], 's3:/studio'],
    [['s3://Studio!'], 's3://Studio!'],
    [['s3://studio/../made'], 's3://studio/../made'],
    [['http://studio'], 'http://studio'],
    [['--endpoint', 'http://127.0.0.1:9'], '--endpoint'],
    [['disk', '--move'], '--move'],
    [['s3://studio', '--endpoint', 'ftp://x'], 'ftp://x'],
    [['s3://studio', '--style', 'odd'], 'odd'],
    [['s3://studio', '--credentials', '/nowhere/c'], '/nowhere/c'],
    [['--keep-free', '5'], '5'],
    [['--quota', '-1GB'], '-1GB'],
    [['--keep-inputs', '7'], '7'],
    [['--keep-outputs', 'ever'], 'ever'],
  ])('refuses %j, and changes nothing', async (argv, named) => {
    const { storage, settingsText } = shell();
    const { code, stderr } = await storage(...argv);
    expect([code, stderr]).toEqual([2, expect.stringContaining(named)]);
    expect(settingsText()).toBeUndefined();
  });

  it.each([
    ['is not there', 's3://nowhere', 'There is no bucket nowhere'],
    ['does not answer', 's3://studio', 'does not answer'],
  ])('refuses a bucket that %s, and changes nothing', async (why, place, words) => {
    const s3 = await startS3();
    const { storage, settingsText, root } = shell();
    const endpoint = why === 'does not answer' ? 'http://127.0.0.1:9' : s3.url;
    const credentials = credentialsFile(root, s3);
    const { code, stderr } = await storage(place, '--endpoint', endpoint, '--credentials', credentials);
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
    expect(settingsText()).toBeUndefined();
  });
});
