import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import type { Look } from '../../../src/inspector/watch.ts';

/** What is streamed, look by look; ends with the test, or before. */
export function looks(url: string): Look[] & { end(): void } {
  const seen: Look[] = [];
  const asked = request(`${url}events`, { agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) seen.push(JSON.parse(part.slice(6)));
    });
    response.once('error', () => undefined);
  });
  asked.once('error', () => undefined).end();
  onTestFinished(() => void asked.destroy());
  return Object.assign(seen, { end: () => void asked.destroy() });
}
