import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { World } from '../world/world.ts';
import { type Answer, Problem } from './answer.ts';
import { checkAnswer } from './check-answer.ts';
import { OPERATIONS, type Operation } from './document.ts';
import { edgeRefusal } from './edge.ts';
import { HANDLERS } from './handlers/index.ts';
import { RateLimit } from './rate-limit.ts';
import { readRequest } from './request.ts';
import type { LoggedRequest } from './request-log.ts';
import { type Outcome, strikeAfter, strikeBefore } from './strike.ts';

interface ApiOptions {
  apiKey: string;
  log: (line: string) => void;
}

interface Received {
  request: IncomingMessage;
  url: URL;
  body: Buffer;
}

/** Of a create. */
const MOST_BYTES = 102_400;

/** Serves RunPod's REST API v2 out of a world. */
export class Api {
  readonly #world: World;
  readonly #options: ApiOptions;
  readonly #rateLimit: RateLimit;

  constructor(world: World, options: ApiOptions) {
    this.#world = world;
    this.#options = options;
    this.#rateLimit = new RateLimit(() => world.scenario.rateLimit.perMinute);
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? 'GET';
    const operation = OPERATIONS.find((one) => one.method === method && one.pattern.test(url.pathname));
    const entry = this.#world.requests.add(method, url.pathname + url.search, operation?.operationId ?? null);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const edge = edgeRefusal(request);
      if (edge) {
        send(response, edge, gone.signal);
        return;
      }
      response.setHeader('x-request-id', randomUUID());
      const body = Buffer.concat(await request.toArray());
      if (operation) checkSize(operation, body);
      checkKey(request, this.#options.apiKey);
      for (const [name, value] of Object.entries(this.#rateLimit.count())) response.setHeader(name, value);
      if (!operation) throw noOperation(url.pathname);
      const outcome = await this.#perform(operation, { request, url, body }, entry, gone.signal);
      this.#conclude(outcome, operation, request, response, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      this.#conclude(refusal(error), operation, request, response, gone.signal);
    } finally {
      if (response.headersSent) entry.status = response.statusCode;
      this.#options.log(`${method} ${url.pathname} ${entry.status ?? entry.fault ?? 'no answer'}`);
      this.#world.changed();
    }
  }

  async #perform(
    operation: Operation,
    received: Received,
    entry: LoggedRequest,
    gone: AbortSignal,
  ): Promise<Outcome> {
    const fault = this.#world.faults.take(operation.operationId);
    if (!fault) return this.#answer(operation, received).catch(refusal);
    entry.fault = fault.kind;
    this.#world.changed();
    const instead = await strikeBefore(fault, gone);
    return instead ?? strikeAfter(fault, await this.#answer(operation, received).catch(refusal));
  }

  async #answer(operation: Operation, { request, url, body }: Received): Promise<Answer> {
    const handler = HANDLERS[operation.operationId];
    if (!handler) throw new Problem(501, `${operation.operationId} is not simulated`);
    return handler(readRequest(this.#world, operation, url, request.headers, body));
  }

  #conclude(
    outcome: Outcome,
    operation: Operation | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    gone: AbortSignal,
  ): void {
    if (outcome === 'cut') request.socket.destroy();
    else if (outcome !== 'silence') send(response, this.#checked(operation, outcome), gone);
  }

  #checked(operation: Operation | undefined, answer: Answer): Answer {
    const wrong = operation && this.#world.scenario.checkAnswers ? checkAnswer(operation, answer) : [];
    if (wrong.length === 0) return answer;
    const detail = `the simulator's answer to ${operation?.operationId} breaks the document`;
    this.#options.log(`${detail}: ${wrong.join('; ')}`);
    return new Problem(500, detail, { errors: wrong }).answer;
  }
}

/** @throws Problem 413 where the document has a limit, before anybody asks for a key */
function checkSize({ responses }: Operation, body: Buffer): void {
  if ('413' in responses && body.length > MOST_BYTES) {
    throw new Problem(413, `request body exceeds the ${MOST_BYTES} byte limit`);
  }
}

/** @throws Problem 401 */
function checkKey({ headers: { authorization } }: IncomingMessage, apiKey: string): void {
  const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new Problem(401, 'missing bearer token');
  const [given, expected] = [Buffer.from(token), Buffer.from(apiKey)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Problem(401, 'invalid api key');
  }
}

function noOperation(pathname: string): Problem {
  const allowed = OPERATIONS.filter(({ pattern }) => pattern.test(pathname)).map(({ method }) => method);
  return allowed.length === 0
    ? new Problem(404, 'resource not found')
    : new Problem(405, 'The requested method is not allowed for this path.', {
        headers: { allow: allowed.join(', ') },
      });
}

function refusal(error: unknown): Answer {
  if (error instanceof Problem) return error.answer;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Problem(500, detail).answer;
}

function send(response: ServerResponse, answer: Answer, gone: AbortSignal): void {
  const { status, body, raw, headers, stream } = answer;
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  response.writeHead(status, {
    ...(text !== undefined && { 'content-type': 'application/json' }),
    ...headers,
  });
  if (stream) {
    response.flushHeaders();
    stream(response, gone);
  } else {
    response.end(text);
  }
}
