import { readFileSync, writeFileSync } from 'node:fs';
import { FAILURE_WORDS } from '../src/cli/text/failures.ts';
import { FAILURES, type FailureCode } from '../src/errors.ts';

/** Writes docs/errors.md from the catalogue; with `--check` only says whether it is current. */
const path = 'docs/errors.md';

const details = new Proxy({}, { get: (_, name) => `‹${String(name)}›`, has: () => true });
const rows = (Object.keys(FAILURES) as FailureCode[]).map((code) => {
  const { exitCode, retryable } = FAILURES[code];
  const { what, why, next } = FAILURE_WORDS[code](details as never);
  const lines = [`### ${code}`, '', what];
  if (why) lines.push('', why);
  if (next) lines.push('', `→ ${next}`);
  lines.push('', `Exit code ${exitCode}${retryable ? '; tried again by itself where that may help' : ''}.`);
  return lines.join('\n');
});
const text = `# Errors

Every failure autopod tells, by its code, which \`--json\` gives as \`error.code\`. Parts in ‹› differ from case to case.
Written by \`npm run errors\` from \`src/cli/text/failures.ts\`.

${rows.join('\n\n')}
`;
if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  process.stderr.write(`${path} is not current: npm run errors\n`);
  process.exit(1);
}
