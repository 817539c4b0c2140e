import { isAbsolute, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTemplate, PLACEHOLDERS, targetPath } from '../../../src/jobs/files/index.ts';
import { facts, output } from './facts.ts';

const WHEN = new Date(2026, 10, 27, 9, 5, 3).getTime();
const path = (template: string, changes = {}, of = {}) =>
  targetPath(facts({ nameTemplate: template, ...changes }), output(of), WHEN);

describe('a template', () => {
  it.each([
    ['{date}-{job}-{node}-{n}.{ext}', '/out/2026-11-27-k3f9xw-9-1.png'],
    ['{time} {name}.{ext}', '/out/09-05-03 portrait.png'],
    ['{title}_{index}.{ext}', '/out/Save Image_5.png'],
    ['{seed}/{filename}.{ext}', '/out/18446744073709551615/ComfyUI_00001_.png'],
    ['{job}', '/out/k3f9xw.png'],
    ['{job}.jpg', '/out/k3f9xw.jpg.png'],
    ['{job}.PNG', '/out/k3f9xw.PNG'],
  ])('%s makes %s', (template, expected) => {
    expect(path(template)).toBe(expected);
  });

  it('with seeds that differ has each, without any has none', () => {
    expect(path('{seed}', { seeds: { a: '1', b: '2', c: '1' } })).toBe('/out/1-2.png');
    expect(path('{seed}', { seeds: {} })).toBe('/out/none.png');
  });

  it('keeps the subfolder, which ComfyUI on Windows writes with backslashes', () => {
    expect(path('{job}', {}, { subfolder: 'a/b' })).toBe('/out/a/b/k3f9xw.png');
    expect(path('{job}', {}, { subfolder: 'a\\b' })).toBe('/out/a/b/k3f9xw.png');
  });

  it('names the nodes of subgraphs', () => {
    expect(path('{node}', {}, { nodeId: '12:5' })).toBe('/out/12_5.png');
  });

  it('leaves a file without an extension without one', () => {
    expect(path('{job}.{ext}', {}, { filename: 'README' })).toBe('/out/k3f9xw');
  });
});

it.each([
  ['..', '/out/x.png'],
  ['../../..', '/out/x.png'],
  ['/abs/./x', '/out/abs/x/x.png'],
  ['C:\\x', '/out/C_/x/x.png'],
  ['.ssh', '/out/_ssh/x.png'],
  ['a/ .. /b', '/out/a/b/x.png'],
])('the subfolder %s of a pod stays within the folder', (subfolder, expected) => {
  expect(path('x', {}, { subfolder })).toBe(expected);
});

it.each([
  ['../../etc/passwd', 'passwd'],
  ['..\\..\\boot.ini', 'boot.ini'],
  ['a\u0000b.png', 'a_b.png'],
  ['CON.png', '_CON.png'],
  ['com1', '_com1'],
  ['nul.tar.png', '_nul.tar.png'],
  ['x. .', 'x'],
  ['.htaccess', '_htaccess'],
  ['\u001b[31mred\u202egnp.exe', '_[31mred_gnp.exe'],
  ['a:b*c?"<>|.png', 'a_b_c_____.png'],
  ['Ünïcødé 写真 👩‍🚀.png', 'Ünïcødé 写真 👩‍🚀.png'],
  ['\ud800.png', '\ufffd.png'],
  ['..', '_'],
])('the name %j of a pod becomes %j', (filename, expected) => {
  const ext = /\.[a-z]{1,11}$/i.exec(filename)?.[0];
  const template = ext ? '{filename}.{ext}' : '{filename}';
  expect(path(template, {}, { filename })).toBe(`/out/${expected}`);
});

it('a name that is too long keeps its extension, and room for what is added to it', () => {
  const name = path('{filename}{filename}{filename}.{ext}', {}, { filename: `${'写'.repeat(400)}.png` });
  const file = name.slice('/out/'.length);
  expect(file.endsWith('.png')).toBe(true);
  expect(Buffer.byteLength(`${file}-123.json`)).toBeLessThanOrEqual(255);
});

it('whatever a pod or a template says, the file lies within the folder under a fit name', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .array(fc.constantFrom('..', '.', '/', '\\', 'a', '\u0000', 'CON', ' ', 'ü', ':'))
      .map((all) => all.join('')),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, hostile, (filename, subfolder, nodeId, name, title) => {
      const made = path(
        '{name}/{title}{node}-{filename}.{ext}',
        { name, titles: { [nodeId]: title } },
        { filename, subfolder, nodeId },
      );
      const within = relative('/out', made);
      expect(within && !isAbsolute(within)).toBe(true);
      for (const part of within.split('/')) {
        expect(part).not.toMatch(/^\.\.?$/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the claim.
        expect(part).not.toMatch(/[\u0000-\u001f\\:*?"<>|]|^(?:con|nul)(?:\.|$)|[. ]$/i);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(240);
      }
    }),
  );
});

describe('checking a template', () => {
  it.each([['{date}/{job}-{n}.{ext}'], ['plain'], [PLACEHOLDERS.map((name) => `{${name}}`).join('')]])(
    '%s is one',
    (template) => {
      expect(() => checkTemplate(template)).not.toThrow();
    },
  );

  it('an unknown placeholder is nameTemplateInvalid, which tells those there are', () => {
    expect(() => checkTemplate('{job}-{sed}.png')).toThrow(
      expect.objectContaining({
        code: 'nameTemplateInvalid',
        detail: expect.objectContaining({ placeholder: 'sed', known: [...PLACEHOLDERS] }),
      }),
    );
  });

  it.each([
    ['{job', 'brace'],
    ['job}', 'brace'],
    ['{}', undefined],
    ['{job}/../x', 'leads out'],
    ['/abs/{job}', 'within'],
    ['C:\\{job}', 'within'],
    ['{job}/', 'folder'],
    ['', 'folder'],
    ['a\u0000b', 'control'],
  ])('%j is none', (template, reason) => {
    expect(() => checkTemplate(template)).toThrow(
      expect.objectContaining({
        code: 'nameTemplateInvalid',
        detail: expect.objectContaining(reason ? { reason: expect.stringContaining(reason) } : {}),
      }),
    );
  });
});
