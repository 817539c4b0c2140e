import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { document } from './document.ts';

// ajv-formats is CommonJS: NodeNext sees its namespace, Node its function.
const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, 'openapi');

const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a value by the schema at this pointer of the API document, one line per fault. */
export function violations(pointer: string, value: unknown, root = '$'): string[] {
  const validate = validator(pointer);
  if (validate(value)) return [];
  const lines = (validate.errors ?? []).flatMap((error) => describe(error, root));
  return [...new Set(lines)];
}

function validator(pointer: string): ValidateFunction {
  let validate = compiled.get(pointer);
  if (!validate) {
    const fragment = pointer.split('/').map(encodeURIComponent).join('/');
    validate = ajv.compile({ $ref: `openapi#${fragment}` });
    compiled.set(pointer, validate);
  }
  return validate;
}

function describe(error: ErrorObject, root: string): string[] {
  const at = root + error.instancePath.replaceAll('/', '.');
  switch (error.keyword) {
    case 'if':
    case 'allOf':
      return [];
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = error.params.additionalProperty ?? error.params.unevaluatedProperty;
      return [`${at}: additional properties '${name}' not allowed`];
    }
    case 'required':
      return [`${at}: missing property '${error.params.missingProperty}'`];
    case 'enum':
      return [`${at}: must be one of ${error.params.allowedValues.join(', ')}`];
    default:
      return [`${at}: ${error.message}`];
  }
}
