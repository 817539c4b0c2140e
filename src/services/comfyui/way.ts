import { Agent, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { AutopodError } from '../../errors.ts';
import { parseLenient } from '../lenient-json.ts';
import type { FileAnswer } from './answer.ts';

/** Where a pod's ComfyUI is reached on this machine: the tunnel's local port, or a Unix socket that leads there. */
export type ComfyWay = { localPort: number } | { socketPath: string };

export interface Question {
  /** For people: `submit the workflow`. */
  operation: string;
  method?: 'GET' | 'HEAD' | 'POST';
  /** With the leading slash and the query. */
  path: string;
  headers?: Record<string, string>;
  body?: string | { stream: Readable; bytes: number };
  /** Milliseconds without a byte either way after which there is no answer. */
  silenceMs?: number;
}

/** One of our own, as Node's may be told to use a proxy; connections of the tunnel are not kept when it is renewed. */
const agent = new Agent({ keepAlive: false });
/** Milliseconds. */
export const SILENCE_MS = 35_000;
/** Of the socket, which Node's types leave out: fewer and larger pieces of a file. */
const DEEP = { highWaterMark: 1 << 20 };

/**
 * Asks once and gives the answer's head; whoever takes it reads or destroys its body. Throws `comfyUnanswered` when no
 * answer comes, and what `body.stream` fails with.
 */
export async function exchange(
  way: ComfyWay,
  question: Question,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const { method = 'GET', path, headers, body, silenceMs = SILENCE_MS } = question;
  const asked = request({
    ...('socketPath' in way ? { socketPath: way.socketPath } : { host: '127.0.0.1', port: way.localPort }),
    agent,
    ...DEEP,
    method,
    path,
    signal,
    headers: { accept: '*/*', 'accept-encoding': 'identity', ...lengthOf(body), ...headers },
  });
  asked.setTimeout(silenceMs, () => asked.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)));
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', (message) => resolve(message.on('error', () => {})));
    asked.on('error', reject);
  });
  // Whoever refuses a body may answer before it has all of it.
  answer.catch(() => {});
  if (typeof body !== 'object') asked.end(body);
  else {
    await pipeline(body.stream, asked).catch((error: unknown) => {
      if (error instanceof AutopodError) throw error;
    });
  }
  return await answer.catch((error: unknown) => {
    signal.throwIfAborted();
    throw unanswered(question, error);
  });
}

/** The whole body of an answer. Throws `comfyUnanswered` when it is cut. */
export async function readBody(
  answer: IncomingMessage,
  question: Question,
  signal: AbortSignal,
): Promise<string> {
  let text = '';
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  try {
    await finished(answer);
    return text;
  } catch (error) {
    signal.throwIfAborted();
    throw unanswered(question, error);
  }
}

/** A 200 of ComfyUI, read whole. Throws `comfyUnanswered` where asking again may help, else `comfyAnswerUnexpected`. */
export async function ask(
  way: ComfyWay,
  question: Question,
  signal: AbortSignal,
): Promise<{ text: string; answer: IncomingMessage }> {
  const answer = await exchange(way, question, signal);
  const text = await readBody(answer, question, signal);
  if (answer.statusCode !== 200) throw odd(answer, question, text);
  return { text, answer };
}

/** The same, as JSON of Python's kind. */
export async function askJson(
  way: ComfyWay,
  question: Question,
  signal: AbortSignal,
): Promise<{ json: unknown; answer: IncomingMessage }> {
  const { text, answer } = await ask(way, question, signal);
  try {
    return { json: parseLenient(text), answer };
  } catch {
    throw odd(answer, question, text);
  }
}

/** As much of an answer as tells what it is. */
type Head = Pick<FileAnswer, 'statusCode' | 'headers'>;

/** What an answer that is none of those expected comes to. */
export function odd(answer: Head, question: Question, text = ''): AutopodError {
  const status = answer.statusCode ?? 0;
  const isPassing = status >= 500 || status === 408 || status === 429;
  return new AutopodError(isPassing ? 'comfyUnanswered' : 'comfyAnswerUnexpected', {
    operation: question.operation,
    status,
    detail: isHtml(answer) ? pageTitle(text) : undefined,
  });
}

export function isHtml(answer: Head): boolean {
  return /^text\/html\b/i.test(answer.headers['content-type'] ?? '');
}

export function unanswered(question: Question, error: unknown): AutopodError {
  return new AutopodError('comfyUnanswered', {
    operation: question.operation,
    detail: error instanceof Error ? error.message : undefined,
  });
}

function pageTitle(html: string): string {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(html)?.[1]?.trim();
  return title ? `It is a web page, “${title}”.` : 'It is a web page.';
}

function lengthOf(body: Question['body']): Record<string, string | number> {
  if (body === undefined) return {};
  if (typeof body === 'object') return { 'content-length': body.bytes };
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
}
