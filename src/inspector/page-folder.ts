import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The built page: beside this bundle, or in dist/ when run from sources. */
export function pageFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    for (const path of [join(folder, 'inspector'), join(folder, 'dist', 'inspector')]) {
      if (existsSync(join(path, 'charts.json'))) return path;
    }
    if (folder === dirname(folder)) throw new Error('the inspector page is missing: run npm run build');
  }
}
