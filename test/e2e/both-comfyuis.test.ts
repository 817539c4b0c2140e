import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMFYUIS, type TestComfyUi } from '../support/comfyuis.ts';
import { signal } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { INVERTED, workflowFile } from '../support/workflows.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

const lines = (text: string) => text.split('\n').filter(Boolean);

/** The first pixel, and the size. */
function seen(path: string) {
  const { width, height, data, channels } = decode(readFileSync(path));
  return { width, height, color: [...data.slice(0, Math.min(3, channels))] };
}

/** A picture of one colour. Its prefix makes it new to ComfyUI, which keeps what it has made. */
function painting(color: number, prefix: string = randomUUID()) {
  return {
    '1': {
      class_type: 'EmptyImage',
      inputs: { width: 32, height: 24, batch_size: 1, color },
      _meta: { title: 'Paint' },
    },
    '2': {
      class_type: 'SaveImage',
      inputs: { images: ['1', 0], filename_prefix: prefix },
      _meta: { title: 'Save' },
    },
  };
}

for (const { name, isThere, begin } of COMFYUIS) {
  describe.runIf(isThere)(`run with ${name}, behind a pod`, () => {
    let comfyui: TestComfyUi;
    let world: TestWorld;
    let folder = '';
    const run = (...argv: string[]) => world.autopod(['run', ...argv]);
    const file = (workflow: object) => workflowFile(folder, `${randomUUID()}.json`, workflow);
    const out = (name: string) => join(folder, name);

    beforeAll(async () => {
      comfyui = await begin();
      folder = mkdtempSync(join(tmpdir(), 'ap-both-'));
      world = await startWorld({ comfyui: { at: comfyui.address } });
      const up = await world.autopod(['up', '--local-port', 'auto']);
      expect(up.code, up.stderr).toBe(0);
    }, 60_000);
    afterAll(async () => {
      await world.end();
      await comfyui.end();
      rmSync(folder, { recursive: true, force: true });
    });

    it('makes the picture that is asked for, and tells what made it', async () => {
      const { code, stdout, stderr } = await run(
        ...[file(painting(0x0000ff)), '--set', 'Paint.color=16744448', '--set', 'Paint.width=40'],
        ...['--json', '--out', out('one')],
      );
      expect(code, stderr).toBe(0);
      const [job] = JSON.parse(stdout).jobs;
      expect(job).toMatchObject({ state: 'done', notMade: [], comfyui: expect.stringMatching(/^\d+\.\d+/) });
      expect(job.seconds).toBeGreaterThanOrEqual(0);
      const [{ path }] = job.files;
      expect(seen(path)).toEqual({ width: 40, height: 24, color: [0xff, 0x80, 0] });
    });

    it('takes a picture that it has made as the workflow of the next, with the values that ran', async () => {
      const made = await run(file(painting(0x00ff00)), '--set', 'Paint.height=28', '--out', out('two'));
      const [path = ''] = lines(made.stdout);
      const dry = await run(path, '--dry-run', '--set', 'Paint.color=0');
      expect(dry.code, dry.stderr).toBe(0);
      expect(JSON.parse(dry.stdout)['1'].inputs).toMatchObject({ height: 28, color: 0 });
    });

    it('uploads a file of this machine, and works with what is in it', async () => {
      const data = new Uint8Array(8 * 8 * 3).map((_, at) => [200, 100, 0][at % 3] ?? 0);
      const given = join(folder, 'given.png');
      writeFileSync(given, encode({ width: 8, height: 8, data, channels: 3 }));
      const { code, stdout, stderr } = await run(
        ...[
          file(INVERTED),
          '--input',
          `Load.image=${given}`,
          '--set',
          `Save.filename_prefix=${randomUUID()}`,
        ],
        ...['--out', out('inverted')],
      );
      expect(code, stderr).toBe(0);
      const { width, height } = seen(lines(stdout)[0] ?? '');
      expect([width, height]).toEqual([8, 8]);
    });

    it('makes each job of a sweep once', async () => {
      const { code, stdout, stderr } = await run(
        ...[
          file(painting(0)),
          '--sweep',
          'Paint.color=255,65280,16711680',
          '--name',
          '{index}',
          '--out',
          out('swept'),
        ],
      );
      expect(code, stderr).toBe(0);
      expect(lines(stdout)).toHaveLength(3);
      expect(['1.png', '2.png', '3.png'].map((name) => seen(join(out('swept'), name)).color)).toEqual([
        [0, 0, 255],
        [0, 255, 0],
        [255, 0, 0],
      ]);
    });

    it('goes on without the command, also when the keeper is killed, and brings one set of files', async () => {
      const { code, stdout } = await run(
        ...[file(painting(0)), '--sweep', 'Paint.color=1..12', '--detach', '--out', out('detached')],
      );
      expect(code).toBe(0);
      const batchId = stdout.trim();
      signal(world.keeperPids(), 'SIGKILL');
      const waited = await world.autopod(['jobs', 'wait', batchId, '--timeout', '60s']);
      expect(waited.code, waited.stderr).toBe(0);
      const pictures = () => readdirSync(out('detached')).filter((name) => name.endsWith('.png'));
      await until('all are here', () => pictures().length >= 12);
      expect(pictures()).toHaveLength(12);
    });

    it('tells what the server would refuse before anything is sent', async () => {
      const small = await run(file(painting(0)), '--set', 'Paint.width=0');
      expect([small.code, small.stderr]).toEqual([2, expect.stringMatching(/width takes a value from 1 to/)]);
      const missing = await run(file(INVERTED), '--set', `Load.image=${randomUUID()}.png`);
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('Nothing was submitted')]);
      const unknown = await run(file({ '1': { class_type: 'NoSuchNode', inputs: {} } }), '--dry-run');
      expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('NoSuchNode')]);
    });
  });
}
