import { execFileSync } from 'node:child_process';

/** End-to-end tests run the bundle that users run. */
export default function buildOnce(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
