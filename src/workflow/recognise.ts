import type { Carried } from './carriers/bytes.ts';
import { isFlac, readFlac } from './carriers/flac.ts';
import { isMp4, readMp4 } from './carriers/mp4.ts';
import { isPng, readPng } from './carriers/png.ts';
import { isWebm, readWebm } from './carriers/webm.ts';
import { isWebp, readWebp } from './carriers/webp.ts';
import { editorWorkflowIn } from './editor.ts';
import type { Container, UnreadableReason } from './findings.ts';
import { asObject, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import { type Prompt, promptIn } from './prompt.ts';

/** What a file holds. A file that ComfyUI made usually holds both: what ran, and the canvas it came from. */
export interface Recognised {
  container: 'json' | Container;
  prompt: Prompt | undefined;
  workflow: JsonObject | undefined;
}

/** Finds the workflow in the bytes of a file: JSON in either format, or a picture, sound or video with it inside. */
export function recogniseWorkflow(bytes: Uint8Array): Recognised | { unreadable: UnreadableReason } {
  if (bytes.length === 0) return { unreadable: { kind: 'empty' } };
  for (const { container, is, read } of CONTAINERS) {
    if (is(bytes)) return fromContainer(container, read(bytes));
  }
  return fromText(bytes);
}

const CONTAINERS: {
  container: Container;
  is: (bytes: Uint8Array) => boolean;
  read: (bytes: Uint8Array) => Carried;
}[] = [
  { container: 'png', is: isPng, read: readPng },
  { container: 'webp', is: isWebp, read: readWebp },
  { container: 'flac', is: isFlac, read: readFlac },
  { container: 'mp4', is: isMp4, read: readMp4 },
  { container: 'webm', is: isWebm, read: readWebm },
];

function fromContainer(
  container: Container,
  { texts, isWhole }: Carried,
): Recognised | { unreadable: UnreadableReason } {
  const values = [texts.get('prompt'), texts.get('workflow')].map(json);
  // Some programs put both into one comment, as an object of two.
  const comment = json(texts.get('comment') ?? texts.get('description'));
  if (isObject(comment)) values.push(...[comment.prompt, comment.workflow].map(unwrapped));
  const prompt = values.map(promptIn).find((each) => each !== undefined);
  const workflow = values.map(editorWorkflowIn).find((each) => each !== undefined);
  if (prompt === undefined && workflow === undefined) {
    return { unreadable: { kind: isWhole ? 'carriesNone' : 'containerBroken', container } };
  }
  return { container, prompt, workflow };
}

function fromText(bytes: Uint8Array): Recognised | { unreadable: UnreadableReason } {
  const text = decode(bytes)?.trim();
  if (text === undefined) return { unreadable: { kind: 'formatUnknown' } };
  if (text === '') return { unreadable: { kind: 'empty' } };
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!/^[[{"]/.test(text)) return { unreadable: { kind: 'formatUnknown' } };
    return { unreadable: { kind: 'jsonBroken', message: error instanceof Error ? error.message : '' } };
  }
  return fromJson(value) ?? { unreadable: { kind: 'notAWorkflow' } };
}

/** Either format bare, or in the body of a POST /prompt. */
function fromJson(value: JsonValue): Recognised | undefined {
  const workflow = editorWorkflowIn(value);
  if (workflow !== undefined) return { container: 'json', prompt: undefined, workflow };
  const prompt = promptIn(value) ?? promptIn(asObject(value).prompt);
  return prompt === undefined ? undefined : { container: 'json', prompt, workflow: undefined };
}

function decode(bytes: Uint8Array): string | undefined {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function json(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function unwrapped(value: JsonValue | undefined): JsonValue | undefined {
  return typeof value === 'string' ? json(value) : value;
}
