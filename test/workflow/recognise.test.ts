import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asArray, asObject, writeJson } from '../../src/workflow/json.ts';
import { recogniseWorkflow } from '../../src/workflow/recognise.ts';
import { FIXTURES } from './support.ts';

const made = (name: string): Uint8Array => readFileSync(new URL(`made/${name}`, FIXTURES));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Files written by Pillow and PyAV in the way of ComfyUI's own nodes. */
const BOTH = ['text.png', 'zipped.png', 'made.webp', 'made.flac', 'made.mp4', 'made.webm'];

describe('a file that ComfyUI made', () => {
  it.each(BOTH)('%s gives back its prompt and its workflow, with every digit', (name) => {
    const found = recogniseWorkflow(made(name));
    if ('unreadable' in found) throw new Error(writeJson(found.unreadable as never));
    expect(found.prompt?.['1']).toMatchObject({ class_type: 'EmptyImage', _meta: { title: 'Bild ü' } });
    expect(found.prompt?.['2']?.inputs).toEqual({ images: ['1', 0], filename_prefix: 'ü' });
    const [node] = asArray(found.workflow?.nodes);
    expect(asArray(asObject(node).widgets_values)[3]).toBe(18446744073709551557n);
  });

  it('may carry the prompt only, in iTXt', () => {
    const found = recogniseWorkflow(made('international.png'));
    expect(found).toMatchObject({ container: 'png', workflow: undefined });
    expect(found).toHaveProperty(['prompt', '1', '_meta', 'title'], 'Bild ü');
  });

  it.each(['plain.png', 'plain.webp'])('%s carries none, and that is what is said', (name) => {
    expect(recogniseWorkflow(made(name))).toEqual({
      unreadable: { kind: 'carriesNone', container: name.split('.')[1] },
    });
  });

  it.each(BOTH)('%s cut anywhere never throws, and is read or named as cut', (name) => {
    const whole = made(name);
    for (let length = 12; length < whole.length; length += 7) {
      const found = recogniseWorkflow(whole.subarray(0, length));
      if ('unreadable' in found) expect(found.unreadable.kind).toMatch(/containerBroken|carriesNone/);
    }
    expect(recogniseWorkflow(whole.subarray(0, 60))).toMatchObject({
      unreadable: { kind: 'containerBroken' },
    });
  });
});

describe('text', () => {
  const api = '{"1":{"class_type":"EmptyImage","inputs":{"width":64}}}';

  it('is the API format, bare or as the body of a request', () => {
    for (const text of [api, `\uFEFF${api}\n`, `{"client_id":"x","prompt":${api}}`]) {
      expect(recogniseWorkflow(bytes(text))).toMatchObject({ container: 'json', prompt: { '1': {} } });
    }
  });

  it("is the editor's format", () => {
    const found = recogniseWorkflow(bytes('{"nodes":[],"links":[],"version":1}'));
    expect(found).toMatchObject({ prompt: undefined, workflow: { version: 1 } });
  });

  it.each([
    ['', 'empty'],
    ['  \n', 'empty'],
    ['{"1":{"class_type":', 'jsonBroken'],
    ['{}', 'notAWorkflow'],
    ['[1,2]', 'notAWorkflow'],
    ['{"name":"autopod","version":"1"}', 'notAWorkflow'],
    ['{"nodes":5}', 'notAWorkflow'],
    ['hello', 'formatUnknown'],
  ])('%j is no workflow: %s', (text, kind) => {
    expect(recogniseWorkflow(bytes(text))).toMatchObject({ unreadable: { kind } });
  });

  it('bytes of another kind are no workflow', () => {
    expect(recogniseWorkflow(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16))).toMatchObject({
      unreadable: { kind: 'formatUnknown' },
    });
  });
});
