import { AutopodError } from '../../errors.ts';
import { plainList } from './plain-list.ts';

/** The values that `--sweep NODE.INPUT=…` gives one input, as they would stand in `--set`. */
export interface Sweep {
  target: string;
  values: string[];
}

/** More values than anybody means; a slip of the finger in a range makes as many. */
export const MOST_JOBS = 100_000;

const NUMBER = String.raw`-?(?:\d+\.?\d*|\.\d+)`;
const RANGE = new RegExp(`^(${NUMBER})\\.\\.(${NUMBER})(?::(${NUMBER}))?$`);

/** `NODE.INPUT=1..10:3` (1, 4, 7, 10), `=a,b,c`, or a JSON list. Throws `usage`. */
export function readSweep(text: string): Sweep {
  const equals = text.indexOf('=');
  const target = text.slice(0, Math.max(0, equals)).trim();
  const given = text.slice(equals + 1).trim();
  if (equals < 0 || !target.includes('.') || given === '') {
    throw wrong(text, 'It takes NODE.INPUT=1..10:3, NODE.INPUT=a,b,c or a JSON list.');
  }
  const range = RANGE.exec(given);
  const values = range
    ? rangeOf(text, range)
    : (plainList(given) ?? given.split(',').map((one) => one.trim()));
  if (values.some((value) => value === '')) throw wrong(text, 'One of its values is empty.');
  return { target, values };
}

// Counted in units of the last decimal, so that 0.1..0.3:0.1 ends at 0.3.
function rangeOf(text: string, [, first = '', last = '', step = '1']: RegExpExecArray): string[] {
  const decimals = Math.max(...[first, last, step].map((one) => (one.split('.')[1] ?? '').length));
  const units = (number: string) => BigInt(unitsOf(number, decimals));
  const [from, to, by] = [units(first), units(last), units(step)];
  if (by === 0n) throw wrong(text, 'Its step is 0.');
  if (by < 0n || from > to) {
    const isDown = from > to;
    if (isDown !== by < 0n) {
      throw wrong(text, `From ${first} to ${last} its step must be ${isDown ? 'below' : 'above'} 0.`);
    }
  }
  const count = (to - from) / by + 1n;
  if (count > BigInt(MOST_JOBS)) throw wrong(text, `It has ${count} values; ${MOST_JOBS} are the most.`);
  return Array.from({ length: Number(count) }, (_, at) => decimal(from + by * BigInt(at), decimals));
}

function unitsOf(number: string, decimals: number): string {
  const [whole = '', fraction = ''] = number.split('.');
  return `${whole === '' || whole === '-' ? `${whole}0` : whole}${fraction.padEnd(decimals, '0')}`;
}

function decimal(units: bigint, decimals: number): string {
  if (decimals === 0) return String(units);
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -decimals)}${fraction && `.${fraction}`}`;
}

function wrong(text: string, why: string): AutopodError {
  return new AutopodError('usage', { message: `--sweep ${text}: ${why}` });
}
