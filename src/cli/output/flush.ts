import type { Writable } from 'node:stream';

/**
 * Waits until all that was written to a stream has left this process: a reader that is slow gets everything. One that
 * has gone away is told of by the stream's own error.
 */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
