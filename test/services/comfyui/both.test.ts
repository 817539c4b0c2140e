import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobProgress } from '../../../src/machines/job-types.ts';
import {
  type ComfyWay,
  deletePending,
  findPrompt,
  interruptPrompt,
  objectInfo,
  submitPrompt,
  uploadInput,
  watchProgress,
} from '../../../src/services/comfyui/index.ts';
import { comfyUI } from '../../../src/services/comfyui/status.ts';
import { parseJson, readDefinitions, validatePrompt } from '../../../src/workflow/index.ts';
import { COMFYUIS, type TestComfyUi } from '../../support/comfyuis.ts';
import { until } from '../../support/until.ts';
import { download } from './support/download.ts';
import { NEVER } from './support/serve.ts';

for (const { name, isThere, begin } of COMFYUIS) {
  describe.runIf(isThere)(`${name}, as the client knows it`, () => {
    let comfyui: TestComfyUi;
    let way: ComfyWay & { localPort: number };
    let folder = '';
    beforeAll(async () => {
      comfyui = await begin();
      way = { localPort: Number(new URL(comfyui.address).port) };
      folder = await mkdtemp(join(tmpdir(), 'ap-both-'));
    });
    afterAll(async () => {
      await comfyui.end();
      await rm(folder, { recursive: true });
    });

    /** A picture of one colour, under a name of its own, so that nothing is taken from a cache. */
    const painting = (color: number, count = 1, prefix: string = randomUUID()) => ({
      '1': { class_type: 'EmptyImage', inputs: { width: 24, height: 16, batch_size: count, color } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
    });
    const submit = (prompt: object, promptId: string = randomUUID()) =>
      submitPrompt(way, { promptId, prompt: JSON.stringify(prompt), workflow: null }, NEVER);
    const doneOf = (promptId: string) =>
      until('it is done', async () => {
        const found = await findPrompt(way, promptId, NEVER);
        return found.kind === 'done' ? found : undefined;
      });
    const picture = async (path: string) => {
      const { width, height, data, channels } = decode(await readFile(path));
      return { width, height, color: [...data.slice(0, Math.min(3, channels))] };
    };

    it('tells its version and what its nodes take', async () => {
      const { system } = await comfyUI(way.localPort).systemStats(NEVER);
      expect(system.comfyui_version).toMatch(/^\d+\.\d+/);
      const definitions = readDefinitions(parseJson(await objectInfo(way, NEVER)));
      expect(validatePrompt(painting(7), definitions, [])).toEqual([]);
      const wrong = painting(7);
      wrong['1'].inputs.width = -3;
      expect(validatePrompt(wrong, definitions, []).map(({ kind }) => kind)).not.toEqual([]);
    });

    it('knows nothing of a prompt that it never had', async () => {
      expect(await findPrompt(way, randomUUID(), NEVER)).toMatchObject({ kind: 'unknown' });
    });

    it('takes a prompt under the id it is given, and has its files under that id once it is done', async () => {
      const promptId = randomUUID();
      expect(await submit(painting(0xff8000, 2), promptId)).toMatchObject({
        kind: 'accepted',
        promptId,
        dropped: [],
      });
      const { outputs, ranMs } = await doneOf(promptId);
      expect(outputs.map(({ nodeId, type, n }) => [nodeId, type, n])).toEqual([
        ['2', 'output', 0],
        ['2', 'output', 1],
      ]);
      expect(ranMs).toBeGreaterThanOrEqual(0);
    });

    it('gives a file whole, and from the middle on', async () => {
      const promptId = randomUUID();
      await submit(painting(0x0080ff), promptId);
      const [output] = (await doneOf(promptId)).outputs;
      if (!output) throw new Error('it made nothing');
      const whole = await download(way, output, join(folder, 'whole.png'), NEVER);
      expect(await picture(whole.path)).toEqual({ width: 24, height: 16, color: [0, 0x80, 0xff] });
      const again = await download(way, output, join(folder, 'again.png'), NEVER);
      expect(again.sha256).toBe(whole.sha256);
      const rest = await fetch(
        `${comfyui.address}/view?${new URLSearchParams({ filename: output.filename, subfolder: '', type: 'output' })}`,
        { headers: { range: 'bytes=10-' } },
      );
      expect(rest.status).toBe(206);
      const tail = Buffer.from(await rest.arrayBuffer());
      expect(tail.equals((await readFile(whole.path)).subarray(10))).toBe(true);
    });

    it('has an uploaded file under the name of its content, and works with it', async () => {
      const data = new Uint8Array(4 * 4 * 3).map((_, at) => [200, 100, 0][at % 3] ?? 0);
      const bytes = encode({ width: 4, height: 4, data, channels: 3 });
      const path = join(folder, 'given.png');
      await writeFile(path, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const input = { path, sha256, bytes: bytes.length };
      const name = await uploadInput(way, input, NEVER);
      expect(await uploadInput(way, input, NEVER)).toBe(name);
      const promptId = randomUUID();
      await submit(
        {
          '1': { class_type: 'LoadImage', inputs: { image: name } },
          '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
          '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: promptId } },
        },
        promptId,
      );
      const [output] = (await doneOf(promptId)).outputs;
      expect(output).toMatchObject({ nodeId: '3', type: 'output' });
    });

    it('refuses what cannot run with the node and the reason, and has nothing of it', async () => {
      const promptId = randomUUID();
      const wrong = painting(1);
      wrong['1'].inputs.width = -3;
      const refused = await submit(wrong, promptId);
      expect(refused).toMatchObject({
        kind: 'refused',
        failure: { code: 'promptRefused', detail: { nodeId: '1' } },
      });
      expect(await findPrompt(way, promptId, NEVER)).toMatchObject({ kind: 'unknown' });
    });

    it('takes a prompt without those of its outputs that are invalid, and names them', async () => {
      const promptId = randomUUID();
      const half = {
        ...painting(0x123456),
        '8': { class_type: 'LoadImage', inputs: { image: `${randomUUID()}.png` } },
        '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: 'never' } },
      };
      const taken = await submit(half, promptId);
      expect(taken).toMatchObject({ kind: 'accepted', dropped: [expect.stringContaining('node 8')] });
      expect((await doneOf(promptId)).outputs.map(({ nodeId }) => nodeId)).toEqual(['2']);
    });

    it('tells over its socket how far a prompt is, until that is done', async () => {
      const promptId = randomUUID();
      const told: JobProgress[] = [];
      const over = new AbortController();
      const watching = watchProgress(
        way,
        { promptId, titles: { '1': 'Paint' }, nodeCount: 2 },
        (progress) => void told.push(progress),
        over.signal,
      );
      await submit(painting(0x654321), promptId);
      await doneOf(promptId);
      over.abort();
      await watching;
      expect(told.every(({ nodes }) => nodes === 2 || nodes === 0)).toBe(true);
    });

    it('interrupts and takes out nothing that it does not have', async () => {
      await interruptPrompt(way, randomUUID(), NEVER);
      await deletePending(way, randomUUID(), NEVER);
      const promptId = randomUUID();
      await submit(painting(0x222222), promptId);
      expect((await doneOf(promptId)).outputs).toHaveLength(1);
    });
  });
}
