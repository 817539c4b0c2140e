import type { Word } from './durable.ts';
import type { Context } from './sdk.ts';

/** Sends a word, after so many milliseconds; the engine sees to it that it arrives once, whatever is killed meanwhile. */
export function send(ctx: Context, { object, key, handler, json }: Word, delay?: number) {
  return ctx.genericSend<unknown>({
    service: object,
    method: handler,
    key,
    parameter: json,
    inputSerde: JSON_SERDE,
    ...(delay !== undefined && { delay }),
  });
}

const JSON_SERDE = {
  contentType: 'application/json',
  serialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString()),
};
