import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesUnder('docs')];
const program = buildProgram({} as never, { stdout: {}, stderr: {} } as never, () => undefined);

function pagesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

const textOf = (page: string) => readFileSync(join(root, page), 'utf8');

/** Command lines of shell blocks, and those that stand between backticks. */
function commandLines(page: string): string[] {
  const text = textOf(page);
  const blocks = [...text.matchAll(/```(?:sh|console)\n([\s\S]*?)```/g)].flatMap(([, body = '']) =>
    body.split('\n'),
  );
  const inline = [...text.matchAll(/`(autopod [^`\n]+)`/g)].map(([, line = '']) => line);
  return [...blocks, ...inline]
    .map(
      (line) =>
        line
          .replace(/^\$ /, '')
          .replace(/^(?:[A-Z_]+=\S+ )*/, '')
          .split(/ [#<>|] ?/)[0] ?? '',
    )
    .map((line) => line.trim())
    .filter((line) => /^autopod( |$)/.test(line) && !line.includes('COMMAND') && !line.includes('TOPIC'));
}

/** What a command line says that the program does not know. */
function unknownIn(line: string): string[] {
  const words = line.match(/"[^"]*"|\S+/g)?.slice(1) ?? [];
  let command: Command = program;
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (inner) command = inner;
    else break;
  }
  if (command === program && words.length > 0 && !words[0]?.startsWith('-')) return [words[0] ?? ''];
  const known = new Set([...command.options, ...program.options].flatMap(({ long, short }) => [long, short]));
  return words
    .filter((word) => word.startsWith('-') && word !== '-' && word !== '--help')
    .filter((word) => !known.has(word.split(/[=[]/)[0] ?? ''));
}

describe.each(pages)('%s', (page) => {
  it('names only commands and options that there are', () => {
    // In the catalogue of failures a command may stand for any: `autopod ‹command›`.
    const wrong = commandLines(page).filter(
      (line) => !line.startsWith('autopod ‹') && unknownIn(line).length > 0,
    );
    expect(wrong).toEqual([]);
  });

  it('links only to files that there are', () => {
    const links = [...textOf(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    const broken = links
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => !existsSync(join(root, dirname(page), link)));
    expect(broken).toEqual([]);
  });
});

it('the README links every guide', () => {
  const readme = textOf('README.md');
  const unlinked = pagesUnder('docs/guides').filter((page) => !readme.includes(`](${page})`));
  expect(unlinked).toEqual([]);
});

it('a command line with a wrong option or command is noticed, so that this test can fail', () => {
  expect(unknownIn('autopod up --volume abc')).toEqual(['--volume']);
  expect(unknownIn('autopod tunnle')).toEqual(['tunnle']);
  expect(unknownIn('autopod tunnel --stop --all')).toEqual([]);
});
