import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a page is made of, by the ends of its files' names. */
export const PAGE_TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
};

/** The built page: beside this bundle, or in dist/ when run from sources. */
export function pageFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    for (const path of [join(folder, 'inspector'), join(folder, 'dist', 'inspector')]) {
      if (existsSync(join(path, 'charts.json'))) return path;
    }
    if (folder === dirname(folder)) throw new Error('the inspector page is missing: run npm run build');
  }
}
