import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { type JsonValue, parseJson } from '../../workflow/index.ts';
import { asTyped } from './plain-list.ts';

/** One line of `--rows`: what it changes, and what of it is no change. */
export interface Row {
  /** Where it stands, for people: `--rows fox.csv, line 3`. */
  at: string;
  /** `NODE.INPUT=VALUE`, in the order of the columns. */
  changes: string[];
  seed: string | undefined;
  name: string | undefined;
}

/** Reads a CSV (the first line names the columns) or a file of one JSON object a line. Throws `usage`. */
export async function readRows(file: string): Promise<Row[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = WHY_NOT[error.code ?? ''] ?? error.message;
    throw wrong(file, why);
  });
  const rows = isJsonLines(file, text) ? jsonRows(file, text) : await csvRows(file, text);
  if (rows.length === 0) throw wrong(file, 'It has no rows.');
  return rows;
}

function isJsonLines(file: string, text: string): boolean {
  const ending = extname(file).toLowerCase();
  if (ending === '.csv' || ending === '.tsv') return false;
  return ['.jsonl', '.ndjson', '.json'].includes(ending) || text.trimStart().startsWith('{');
}

function jsonRows(file: string, text: string): Row[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    let value: JsonValue;
    try {
      value = parseJson(line.replace(/^\ufeff/, ''));
    } catch {
      throw wrong(file, `Line ${at + 1} is no JSON.`);
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw wrong(file, `Line ${at + 1} is no JSON object, such as {"3.seed": 7}.`);
    }
    return [
      rowOf(
        file,
        at + 1,
        Object.entries(value).map(([column, cell]) => [column, cell === null ? '' : asTyped(cell)]),
      ),
    ];
  });
}

async function csvRows(file: string, text: string): Promise<Row[]> {
  const { parse, CsvError } = await import('csv-parse/sync');
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      info: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      skip_records_with_empty_values: true,
      trim: true,
    }) as never;
  } catch (error) {
    if (error instanceof CsvError) throw wrong(file, `${error.message}.`);
    throw error;
  }
  const [head, ...rows] = records;
  const columns = head?.record ?? [];
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw wrong(file, `It has the column “${twice}” twice.`);
  return rows.map(({ record, info }) =>
    rowOf(
      file,
      info.lines,
      columns.map((column, at) => [column, record[at] ?? '']),
    ),
  );
}

/** Spreadsheets write a comma, a semicolon where the comma stands in numbers, or a tab; the head tells. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split('\n', 1);
  const countOf = (letter: string) => head.split(letter).length;
  return [',', ';', '\t'].toSorted((a, b) => countOf(b) - countOf(a))[0] ?? ',';
}

/** An empty cell changes nothing. */
function rowOf(file: string, line: number, cells: [column: string, cell: string][]): Row {
  const row: Row = { at: `--rows ${file}, line ${line}`, changes: [], seed: undefined, name: undefined };
  for (const [column, cell] of cells) {
    const isOwn = column === 'seed' || column === 'name';
    if (!isOwn && !/^.+\../.test(column)) {
      throw wrong(file, `Its column “${column}” is neither NODE.INPUT nor seed nor name.`);
    }
    if (cell === '') continue;
    if (isOwn) row[column] = cell;
    else row.changes.push(`${column}=${cell}`);
  }
  return row;
}

const WHY_NOT: Record<string, string> = {
  ENOENT: 'There is no such file.',
  EISDIR: 'It is a folder.',
  EACCES: 'You may not read it.',
};

function wrong(file: string, why: string): AutopodError {
  return new AutopodError('usage', {
    message: `--rows ${file}: ${why}`,
    next: 'Columns are NODE.INPUT, seed and name; a row is a job.',
  });
}
