import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createRunPod, type RunPod } from '../../../src/services/runpod/client.ts';

export interface Heard {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface Listening {
  runpod: RunPod;
  heard: Heard[];
}

export const API_KEY = 'rpa_SECRET_0123456789';

/** A real HTTP server that answers as told, and a client of it. */
export async function listening(
  answer: (response: ServerResponse, heard: Heard) => void,
  timeouts: { readTimeoutMs?: number; createTimeoutMs?: number } = {},
): Promise<Listening> {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? '/', 'http://localhost');
    const entry = {
      method: request.method ?? '',
      url,
      headers: request.headers,
      body: text ? JSON.parse(text) : undefined,
    };
    heard.push(entry);
    answer(response, entry);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  return { runpod: createRunPod({ apiUrl, apiKey: API_KEY, ...timeouts }), heard };
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body));
}
