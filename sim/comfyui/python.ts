/** A value as Python's `repr` writes it. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, one]) => `${quoted(key)}: ${repr(one)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** A value as Python's `str` writes it. */
export function str(value: unknown): string {
  return typeof value === 'string' ? value : repr(value);
}

/** The exception Python raises where a value cannot be converted. */
export class ConversionError extends Error {}

/** Python's `int`, `float`, `str` or `bool` of a value; others are left. @throws ConversionError */
export function convert(type: string, value: unknown): unknown {
  switch (type) {
    case 'INT':
      return toInt(value);
    case 'FLOAT':
      return toFloat(value);
    case 'STRING':
      return str(value);
    case 'BOOLEAN':
      return isTrue(value);
    default:
      return value;
  }
}

function toInt(value: unknown): number | bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return Math.trunc(Number(value));
  if (typeof value === 'string') {
    if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) {
      throw new ConversionError(`invalid literal for int() with base 10: ${repr(value)}`);
    }
    const number = BigInt(value.trim().replaceAll('_', '').replace(/^\+/, ''));
    return Number.isSafeInteger(Number(number)) ? Number(number) : number;
  }
  throw new ConversionError(
    `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`,
  );
}

function toFloat(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return Number(value);
  if (typeof value === 'string') {
    const number = value.trim() === '' ? Number.NaN : Number(value.trim());
    if (Number.isNaN(number)) throw new ConversionError(`could not convert string to float: ${repr(value)}`);
    return number;
  }
  throw new ConversionError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
}

function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'NoneType';
  return typeof value === 'object' ? 'dict' : typeof value;
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}
