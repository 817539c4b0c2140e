import document from '../openapi.v2.json' with { type: 'json' };

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

/** One request parameter, and where its schema stands in the document. */
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schemaPointer: string;
  schema: JsonSchema;
}

export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
}

/** One operation of the published API. */
export interface Operation {
  operationId: string;
  method: Uppercase<Method>;
  /** As in the document: `/v2/pods/{id}`. */
  path: string;
  pattern: RegExp;
  parameters: Parameter[];
  bodySchemaPointer: string | undefined;
  bodyRequired: boolean;
  responses: Record<string, Reference>;
}

/** A node of the document, which may stand elsewhere. */
interface Reference {
  $ref?: string;
  [key: string]: unknown;
}

interface RawParameter extends Reference {
  name: string;
  in: Parameter['in'];
  required?: boolean;
  schema: JsonSchema;
}

interface RawOperation {
  operationId: string;
  parameters?: RawParameter[];
  requestBody?: { required?: boolean };
  responses: Record<string, Reference>;
}

type RawPath = Partial<Record<Method, RawOperation>> & { parameters?: RawParameter[] };

export { document };

export const OPERATIONS: readonly Operation[] = Object.entries(
  document.paths as unknown as Record<string, RawPath>,
).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const raw = item[method];
    return raw ? [readOperation(path, method, item, raw)] : [];
  }),
);

export const OPERATION_IDS: ReadonlySet<string> = new Set(OPERATIONS.map(({ operationId }) => operationId));

/** The JSON pointer of a node, with references followed, and the node itself. */
export function resolve(pointer: string): { pointer: string; node: Reference } {
  const node = pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (at, token) => (at as Record<string, unknown>)[unescapeToken(token)],
      document,
    ) as Reference;
  return typeof node.$ref === 'string' ? resolve(node.$ref.replace(/^#/, '')) : { pointer, node };
}

/** One token of a JSON pointer. */
function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

function readOperation(path: string, method: Method, item: RawPath, raw: RawOperation): Operation {
  const base = `/paths/${escapeToken(path)}`;
  const shared = (item.parameters ?? []).map((_, index) => readParameter(`${base}/parameters/${index}`));
  const own = (raw.parameters ?? []).map((_, index) =>
    readParameter(`${base}/${method}/parameters/${index}`),
  );
  return {
    operationId: raw.operationId,
    method: method.toUpperCase() as Uppercase<Method>,
    path,
    pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
    parameters: [...shared, ...own],
    bodySchemaPointer: raw.requestBody
      ? `${base}/${method}/requestBody/content/application~1json/schema`
      : undefined,
    bodyRequired: raw.requestBody?.required ?? false,
    responses: raw.responses,
  };
}

function readParameter(at: string): Parameter {
  const { pointer, node } = resolve(at);
  const raw = node as RawParameter;
  return {
    name: raw.name,
    in: raw.in,
    required: raw.required ?? false,
    schemaPointer: `${pointer}/schema`,
    schema: resolve(`${pointer}/schema`).node as JsonSchema,
  };
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
