import type { IncomingHttpHeaders } from 'node:http';
import type { World } from '../world/world.ts';
import { Problem } from './answer.ts';
import type { JsonSchema, Operation, Parameter } from './document.ts';
import { violations } from './schemas.ts';

/** A request that agrees with the API document. */
export interface ApiRequest {
  world: World;
  params: Record<string, string>;
  query: Record<string, unknown>;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** Path, query, headers and body as the document types them. @throws Problem 400 or 422 */
export function readRequest(
  world: World,
  operation: Operation,
  url: URL,
  headers: IncomingHttpHeaders,
  rawBody: Buffer,
): ApiRequest {
  const groups = operation.pattern.exec(url.pathname)?.groups ?? {};
  const params = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodePath(value)]));
  const query: Record<string, unknown> = {};
  const errors: string[] = [];
  for (const parameter of operation.parameters) {
    const raw = rawValue(parameter, params, url, headers);
    if (raw === undefined) {
      if (parameter.required) errors.push(`${parameter.name}: required`);
      continue;
    }
    const value = typed(parameter.schema, raw);
    errors.push(...violations(parameter.schemaPointer, value, parameter.name));
    if (parameter.in === 'query') query[parameter.name] = value;
  }
  const body = readBody(operation, rawBody);
  if (operation.bodySchemaPointer && body !== undefined) {
    errors.push(...violations(operation.bodySchemaPointer, body));
  }
  if (errors.length > 0) throw new Problem(422, 'Request validation failed.', { errors });
  return { world, params, query, headers, body };
}

function decodePath(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Problem(400, 'path is not valid');
  }
}

function rawValue(
  { name, in: place }: Parameter,
  params: Record<string, string>,
  url: URL,
  headers: IncomingHttpHeaders,
): string | undefined {
  if (place === 'path') return params[name];
  if (place === 'query') return url.searchParams.get(name) ?? undefined;
  const value = headers[name.toLowerCase()];
  const text = Array.isArray(value) ? value[0] : value;
  // The document types this header as a date-time, and shows ids with a sequence behind it.
  return name === 'Last-Event-ID' ? text?.replace(/\/\d+$/, '') : text;
}

function typed(schema: JsonSchema, raw: string): unknown {
  if (schema.type === 'array') return raw === '' ? [] : raw.split(',');
  if (schema.type === 'integer' && /^-?\d+$/.test(raw)) return Number(raw);
  if (schema.type === 'boolean' && /^(true|false)$/.test(raw)) return raw === 'true';
  return raw;
}

function readBody(operation: Operation, rawBody: Buffer): unknown {
  if (!operation.bodySchemaPointer) return undefined;
  if (rawBody.length === 0) {
    if (operation.bodyRequired) throw new Problem(400, 'request body is required');
    return undefined;
  }
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    throw new Problem(400, 'request body is not valid JSON');
  }
}
