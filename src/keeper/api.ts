import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AutopodError, type Failure, toFailure } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { OpenRequest } from './client.ts';
import type { Keeper } from './keeper.ts';
import { networkEnvironment } from './network-environment.ts';
import { changeKeys, type KeyChange } from './pod-keys.ts';

/** Serves the keeper's JSON API on its Unix socket, which only this user can open. With a failure, that is every answer. */
export async function serveApi(
  keeper: Keeper,
  socket: string,
  { failure, onHandover }: { failure: Failure | undefined; onHandover: () => void },
): Promise<Server> {
  await rm(socket, { force: true });
  const server = createServer((request, response) => {
    const answered = failure
      ? Promise.reject(new AutopodError(failure.code, failure.detail))
      : answer(keeper, request, onHandover);
    answered.then(
      (value) => send(response, 200, value),
      (error: unknown) => {
        const failure = toFailure(error);
        if (failure.code === 'internal') keeper.log(`request failed: ${failure.detail.message}`);
        send(response, 409, { error: failure });
      },
    );
  });
  server.listen(socket);
  await once(server, 'listening');
  chmodSync(socket, 0o600);
  return server;
}

async function answer(keeper: Keeper, request: IncomingMessage, onHandover: () => void): Promise<unknown> {
  const [, collection, podId = '', verb] = (request.url ?? '').split('/').map(decodeURIComponent);
  const route = `${request.method} ${collection}${podId && '/pod'}${verb ? `/${verb}` : ''}`;
  switch (route) {
    case 'GET health':
      return { pid: process.pid, version: VERSION, network: networkEnvironment(process.env) };
    case 'POST handover':
      onHandover();
      return {};
    case 'GET tunnels':
      return { tunnels: keeper.views };
    case 'PUT tunnels/pod':
      return keeper.open(podId, (await json(request)) as Omit<OpenRequest, 'podId'>);
    case 'DELETE tunnels/pod':
      await keeper.close(podId);
      return {};
    case 'PUT plans/pod':
      return {
        failure: await keeper.heedPlan(
          podId,
          ((await json(request)) as Pick<OpenRequest, 'account'>).account,
        ),
      };
    case 'PUT batches/pod':
      await keeper.heedBatch(podId, ((await json(request)) as Pick<OpenRequest, 'account'>).account);
      return {};
    case 'GET batches/pod':
      return { batch: await keeper.jobs.view(podId) };
    case 'GET jobs/pod':
      return { job: await keeper.jobs.viewOfJob(podId) };
    case 'GET plans/pod/due':
      return { due: keeper.stopping.dueOf(podId) };
    case 'POST tunnels/pod/keys':
      return { isDone: await changeKeys(keeper.guards.shellOf(podId), (await json(request)) as KeyChange) };
    case 'POST tunnels/pod/arm':
      return { guard: await keeper.guards.arm(podId) };
    case 'POST tunnels/pod/retry':
      keeper.retry(podId);
      return {};
    default:
      throw new Error(`no such route: ${route}`);
  }
}

async function json(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}
