/** A titled frame of `label: value` lines on a terminal; the same lines bare in a pipe. */
export function panel(title: string, rows: [label: string, value: string][], isFramed: boolean): string {
  const labelWidth = Math.max(...rows.map(([label]) => label.length)) + 1;
  const lines = rows.map(([label, value]) => `${label ? `${label}:` : ''}`.padEnd(labelWidth + 1) + value);
  if (!isFramed) return [title, ...lines.map((line) => `  ${line}`)].join('\n');
  const width = Math.max(title.length + 4, ...lines.map((line) => line.length + 2));
  return [
    `┌─ ${title} ${'─'.repeat(width - title.length - 3)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(width - 1)}│`),
    `└${'─'.repeat(width)}┘`,
  ].join('\n');
}
