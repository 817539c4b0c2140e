import { describe, expect, it } from 'vitest';
import { readChange } from '../../src/workflow/address.ts';
import { findTarget, readValue, withValue } from '../../src/workflow/change.ts';
import type { Prompt } from '../../src/workflow/prompt.ts';
import { seedsOf, withSeed } from '../../src/workflow/seeds.ts';
import { settables } from '../../src/workflow/settable.ts';
import { DEFINITIONS } from './support.ts';

const sampler = (seed: unknown) => ({
  class_type: 'KSampler',
  inputs: {
    seed,
    steps: 20,
    cfg: 8,
    sampler_name: 'euler',
    scheduler: 'normal',
    denoise: 1,
    model: ['4', 0],
  },
});
const PROMPT = {
  '3': { ...sampler(7), _meta: { title: 'First pass' } },
  '30': { ...sampler(7), _meta: { title: 'Second pass' } },
  '4': {
    class_type: 'CheckpointLoaderSimple',
    inputs: { ckpt_name: 'a.safetensors' },
    _meta: { title: 'Load' },
  },
  '6': {
    class_type: 'CLIPTextEncode',
    inputs: { text: 'a cat', clip: ['4', 1] },
    _meta: { title: 'v1.5 text' },
  },
  '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'x' }, _meta: { title: 'Load' } },
} as unknown as Prompt;

/** The whole way of `--set`. */
function set(text: string, prompt = PROMPT) {
  const asked = readChange(text, prompt);
  if ('finding' in asked) return asked.finding;
  const target = findTarget(asked.ok, prompt, DEFINITIONS);
  if ('finding' in target) return target.finding;
  const value = readValue(asked.ok.value, target.ok);
  if ('finding' in value) return value.finding;
  const { id, input } = target.ok;
  return withValue(prompt, id, input, value.ok)[id]?.inputs[input];
}

describe('NODE.INPUT=VALUE', () => {
  it.each([
    ['3.steps=30', 30],
    ['First pass.steps=30', 30],
    ['second PASS.cfg=1.5', 1.5],
    ['CLIPTextEncode.text=a dog, 1=2', 'a dog, 1=2'],
    ['v1.5 text.text="quoted"', 'quoted'],
    ['6.text=12', '12'],
    ['6.text=', ''],
    ['3.seed=18446744073709551557', 18446744073709551557n],
    ['3.sampler_name=heun', 'heun'],
    ['4.ckpt_name=not there yet.safetensors', 'not there yet.safetensors'],
  ])('%s sets it', (text, value) => expect(set(text)).toEqual(value));

  it('leaves the prompt it was given as it was', () => {
    const before = structuredClone(PROMPT);
    set('3.steps=30');
    expect(PROMPT).toEqual(before);
  });

  it('a title or class that several nodes have is refused with all of them', () => {
    const nodes = (finding: unknown) =>
      (finding as { nodes: { node: string }[] }).nodes.map(({ node }) => node);
    expect(set('KSampler.steps=30')).toMatchObject({ kind: 'nodeAmbiguous', asked: 'KSampler' });
    expect(nodes(set('KSampler.steps=30'))).toEqual(['3', '30']);
    expect(nodes(set('Load.ckpt_name=x'))).toEqual(['4', '9']);
  });

  it('a value outside its range is refused with the range', () => {
    const name = { node: '3', title: 'First pass', class: 'KSampler' };
    const range = { kind: 'outOfRange', min: 1, max: 10000 };
    expect(set('3.steps=0')).toEqual({ ...name, ...range, input: 'steps', value: 0 });
    expect(set('3.steps=10001')).toMatchObject({ ...range, value: 10001 });
    expect(set('3.denoise=1.01')).toMatchObject({ kind: 'outOfRange', min: 0, max: 1 });
    expect(set('3.seed=-1')).toMatchObject({ kind: 'outOfRange', min: 0 });
  });

  it.each([
    ['steps', 'changeMalformed'],
    ['3.steps', 'changeMalformed'],
    ['.steps=3', 'changeMalformed'],
    ['nobody.steps=3', 'nodeNotFound'],
    ['3.stepz=3', 'inputNotFound'],
    ['3.model=x', 'inputLinked'],
    ['3.positive=x', 'inputNotSettable'],
    ['3.steps=many', 'valueMistyped'],
    ['3.steps=1.5', 'valueMistyped'],
    ['3.sampler_name=oiler', 'notAChoice'],
  ])('%s is refused: %s', (text, kind) => expect(set(text)).toMatchObject({ kind }));

  it('a linked input names the node that makes its value', () => {
    expect(set('3.model=x')).toMatchObject({ from: { node: '4', class: 'CheckpointLoaderSimple' } });
  });

  it('a class the server does not know takes any value for an input it has, and no other', () => {
    const prompt: Prompt = { '1': { class_type: 'Foreign', inputs: { size: 3 } } };
    expect(set('1.size=[1,2]', prompt)).toEqual({ __value__: [1, 2] });
    expect(set('1.size=big', prompt)).toBe('big');
    expect(set('1.colour=red', prompt)).toMatchObject({ kind: 'inputNotFound', inputs: ['size'] });
  });
});

describe('--seed', () => {
  const seeds = (answer: ReturnType<typeof withSeed>) =>
    'ok' in answer ? seedsOf(answer.ok, DEFINITIONS).map(({ value }) => value) : answer.finding;

  it('a number is the seed of every node, with every digit', () => {
    expect(seeds(withSeed(PROMPT, DEFINITIONS, '18446744073709551557', () => 0n))).toEqual([
      18446744073709551557n,
      18446744073709551557n,
    ]);
  });

  it('random draws once for seeds that were equal, and again for others', () => {
    let drawn = 100n;
    const draw = () => (drawn += 1n);
    const other = withValue(PROMPT, '30', 'seed', 8);
    expect(seeds(withSeed(PROMPT, DEFINITIONS, 'random', draw))).toEqual([101, 101]);
    expect(seeds(withSeed(other, DEFINITIONS, 'random', draw))).toEqual([102, 103]);
  });

  it('same leaves them', () => {
    expect(withSeed(PROMPT, DEFINITIONS, 'same', () => 5n)).toEqual({ ok: PROMPT });
  });

  it('a seed that a number node feeds is changed there', () => {
    const prompt = {
      '1': { class_type: 'PrimitiveInt', inputs: { value: 4 } },
      '3': sampler(['1', 0]),
    } as unknown as Prompt;
    const changed = withSeed(prompt, DEFINITIONS, '9', () => 0n);
    expect(changed).toHaveProperty(['ok', '1', 'inputs', 'value'], 9);
    expect(changed).toHaveProperty(['ok', '3', 'inputs', 'seed'], ['1', 0]);
  });

  it.each([
    ['soon', PROMPT, 'seedMalformed'],
    ['1.5', PROMPT, 'seedMalformed'],
    ['-4', PROMPT, 'outOfRange'],
    ['1', { '9': PROMPT['9'] } as Prompt, 'noSeed'],
  ])('%s is refused: %s %s', (asked, prompt, kind) => {
    expect(withSeed(prompt, DEFINITIONS, asked, () => 0n)).toMatchObject({ finding: { kind } });
  });
});

describe('what can be set', () => {
  it('is every widget that no link feeds, with type, value, range, default and choices', () => {
    const all = settables(PROMPT, DEFINITIONS);
    expect(all.map(({ node, input }) => `${node}.${input}`)).not.toContain('3.model');
    expect(all.find(({ node, input }) => node === '3' && input === 'steps')).toMatchObject({
      title: 'First pass',
      type: 'INT',
      value: 20,
      default: 20,
      min: 1,
      max: 10000,
    });
    expect(all.find(({ input }) => input === 'sampler_name')?.choices).toContain('euler');
  });
});
