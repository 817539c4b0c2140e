import type { Answer } from './answer.ts';
import { type Operation, resolve } from './document.ts';
import { violations } from './schemas.ts';

// A pod that came back without its GPU shows a count of zero, which the document has no words for.
const KNOWN_DEVIATIONS = [/gpu\.count: must be >= 1$/];

/** What in an answer the API document does not allow, one line per fault. */
export function checkAnswer(operation: Operation, answer: Answer): string[] {
  const key = String(answer.status) in operation.responses ? String(answer.status) : 'default';
  const reference = operation.responses[key];
  if (!reference) return [`status ${answer.status} is not documented for ${operation.operationId}`];
  const at = `/paths/${operation.path.replaceAll('/', '~1')}/${operation.method.toLowerCase()}/responses/${key}`;
  const { pointer, node } = resolve(at);
  const content = node.content as Record<string, unknown> | undefined;
  if (!content) return answer.body === undefined ? [] : [`a ${answer.status} has no body`];
  const type = answer.headers?.['content-type'] ?? 'application/json';
  if (!(type in content)) return [`content type ${type} is not documented for a ${answer.status}`];
  if (answer.stream || answer.raw !== undefined) return [];
  const schemaPointer = `${pointer}/content/${type.replaceAll('/', '~1')}/schema`;
  return violations(schemaPointer, answer.body).filter(
    (line) => !KNOWN_DEVIATIONS.some((known) => known.test(line)),
  );
}
