import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** `npm run picture`: the demo's output as it came, drawn as a terminal in docs/images/session.svg. */
const LINE = 18;
const CHAR = 7.8;
const TOP = 44;
const SIDE = 18;

const demo = ['-c', '"$0" dist/demo.js 2>&1', process.execPath];
const shown = stripVTControlCharacters(execFileSync('/bin/sh', demo, { encoding: 'utf8' }));
const lines = shown.trim().split('\n');
const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * CHAR + 2 * SIDE);
const height = TOP + lines.length * LINE + 12;
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const colour = (line: string) =>
  /^\$ /.test(line) ? '#7dd3fc' : /available|Ready|✓/.test(line) ? '#86efac' : '#e5e7eb';
const text = lines.map(
  (line, row) =>
    `<text x="${SIDE}" y="${TOP + row * LINE}" fill="${colour(line)}" xml:space="preserve">${escaped(line)}</text>`,
);
const dots = ['#f87171', '#fbbf24', '#4ade80'].map(
  (fill, index) => `<circle cx="${22 + index * 18}" cy="18" r="5.5" fill="${fill}"/>`,
);
mkdirSync('docs/images', { recursive: true });
writeFileSync(
  'docs/images/session.svg',
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="autopod's demo in a terminal">`,
    `<rect width="100%" height="100%" rx="10" fill="#111827"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">`,
    ...text,
    '</g></svg>',
    '',
  ].join('\n'),
);
