import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SimBucket } from './bucket.ts';
import { type Answer, type Operation, operate, operationOf } from './operations.ts';
import { Refusal } from './refusal.ts';
import { type Account, requireSigned } from './sigv4.ts';
import { xml } from './xml.ts';

/** What goes wrong with some of the requests of a kind. */
export interface S3Fault {
  operation: Operation | '*';
  /**
   * `slowDown`: 503 · `cut`: the connection ends in the middle of the answer's body, or before an answer without one ·
   * `cutAfter`: done, and never answered · `corrupt`: a bit of the body is lost on its way here · `half`: only half of it
   * is kept, and nobody is told · `full`: there is no room left · `denied`: these credentials may not do that.
   */
  kind: 'slowDown' | 'cut' | 'cutAfter' | 'corrupt' | 'half' | 'full' | 'denied';
  /** Requests that it strikes; left out, every one until it is taken away. */
  times?: number;
}

export interface S3Options {
  buckets?: string[];
  account?: Partial<Account>;
  /** Of the server's clock from this machine's. */
  aheadMs?: number;
  port?: number;
}

const MOST_BODY = 64 * 1024 * 1024;

/** S3 on loopback: it checks who asks as AWS does, keeps all in memory, and fails as it is told. */
export class S3Simulator {
  readonly account: Account;
  readonly buckets = new Map<string, SimBucket>();
  /** Each that was let in, in order. */
  readonly requests: { operation: Operation; key: string }[] = [];
  faults: S3Fault[] = [];
  aheadMs: number;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor({ buckets = ['studio'], account = {}, aheadMs = 0 }: S3Options) {
    this.aheadMs = aheadMs;
    this.account = {
      accessKeyId: 'SIMACCESSKEYID123456',
      secretAccessKey: 'sim/secret+of/a+bucket/that+is/not+told1',
      region: 'us-east-1',
      ...account,
    };
    for (const name of buckets) this.buckets.set(name, new SimBucket());
  }

  static async start(options: S3Options = {}): Promise<S3Simulator> {
    const simulator = new S3Simulator(options);
    simulator.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(simulator.#server, 'listening');
    return simulator;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The only bucket, or the one of that name. */
  bucket(name = [...this.buckets.keys()][0] ?? ''): SimBucket {
    const bucket = this.buckets.get(name);
    if (!bucket) throw new Error(`no bucket ${name}`);
    return bucket;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('date', new Date(Date.now() + this.aheadMs).toUTCString());
    try {
      const body = await bodyOf(request);
      const [path = '', query = ''] = (request.url ?? '').split('?');
      const { bucketName, key } = placeOf(request, path);
      const asked = new URLSearchParams(query);
      const operation = operationOf(request.method ?? '', key, asked);
      const fault = this.#take(operation);
      const came = fault?.kind === 'corrupt' ? flipped(body) : body;
      requireSigned(request, came, this.account, Date.now() + this.aheadMs);
      refuseFor(fault);
      const bucket = this.buckets.get(bucketName);
      if (!bucket) throw new Refusal(404, 'NoSuchBucket', 'The bucket does not exist.');
      this.requests.push({ operation, key });
      const kept = fault?.kind === 'half' ? came.subarray(0, came.length >> 1) : came;
      const { headers } = request;
      const answer = operate(bucket, { operation, key, query: asked, headers, body: kept }, bucketName);
      if (fault?.kind === 'cutAfter') request.socket.destroy();
      else if (fault?.kind === 'cut') cut(request, response, answer);
      else send(request, response, answer);
    } catch (error) {
      const { status, code, message } =
        error instanceof Refusal ? error : new Refusal(500, 'InternalError', (error as Error).message);
      const body = Buffer.from(xml('Error', { Code: code, Message: message }));
      send(request, response, { status, headers: { 'content-type': 'application/xml' }, body });
    }
  }

  #take(operation: Operation): S3Fault | undefined {
    const fault = this.faults.find((one) => one.operation === '*' || one.operation === operation);
    if (fault?.times === undefined) return fault;
    fault.times -= 1;
    if (fault.times === 0) this.faults = this.faults.filter((one) => one !== fault);
    return fault;
  }
}

/** By the path, or by the first label of a host that is a name. */
function placeOf({ headers }: IncomingMessage, path: string): { bucketName: string; key: string } {
  const host = String(headers.host ?? '').replace(/:\d+$/, '');
  const parts = path.slice(1).split('/').map(decodeURIComponent);
  if (/^[\d.]+$/.test(host) || host === 'localhost') {
    const [bucketName = '', ...key] = parts;
    return { bucketName, key: key.join('/') };
  }
  return { bucketName: host.split('.')[0] ?? '', key: parts.join('/') };
}

function refuseFor(fault: S3Fault | undefined): void {
  if (fault?.kind === 'slowDown') throw new Refusal(503, 'SlowDown', 'Please reduce your request rate.');
  if (fault?.kind === 'full')
    throw new Refusal(507, 'XMinioStorageFull', 'Storage backend has reached its limit.');
  if (fault?.kind === 'denied') throw new Refusal(403, 'AccessDenied', 'Access Denied.');
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): void {
  response.writeHead(status, { ...headers, ...(status !== 204 && { 'content-length': body.length }) });
  response.end(method === 'HEAD' ? undefined : body);
}

function cut(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  if (body.length < 2) {
    request.socket.destroy();
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, body.length >> 1), () => request.socket.destroy());
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY) throw new Refusal(400, 'EntityTooLarge', 'The simulator keeps all in memory.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function flipped(body: Buffer): Buffer {
  const other = Buffer.from(body);
  if (other.length > 0) other[0] = (other[0] ?? 0) ^ 1;
  return other;
}
