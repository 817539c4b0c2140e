import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { finished } from 'node:stream';

/** Takes what comes next of a body, in order. Resolves when it is done with the memory; throws what ends the reading. */
export type Take = (pieces: readonly Uint8Array[]) => Promise<void>;

/** What a head says of a file. */
export type FileHeaders = Pick<
  IncomingHttpHeaders,
  'content-encoding' | 'content-length' | 'content-range' | 'content-type' | 'etag' | 'last-modified'
>;

/** An answer's head, and its body when it is asked for. */
export interface FileAnswer {
  statusCode?: number | undefined;
  headers: FileHeaders;
  /**
   * Reads the body to its end; `onBytes` is told how many come, before they are taken. Throws when it is cut, once what has
   * come was given, and what `take` throws.
   */
  read(take: Take, onBytes: (bytes: number) => void): Promise<void>;
  /** Ends it, whatever is left of it. Is to be called, after `read` too. */
  close(): void;
}

/** Bytes that are taken at once. */
export const PIECE_BYTES = 512 * 1024;
/** Pieces that may be with who takes them, while another comes. */
export const MOST_TAKEN = 2;

/** An answer of Node's own client. */
export function answerOf(message: IncomingMessage): FileAnswer {
  const { statusCode, headers } = message;
  return {
    statusCode,
    headers,
    read: (...to) => readMessage(message, ...to),
    close: () => message.destroy(),
  };
}

/** By events rather than by iteration, which joins the pieces that have come into copies. */
function readMessage(message: IncomingMessage, take: Take, onBytes: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let pieces: Uint8Array[] = [];
    let bytes = 0;
    let taken = 0;
    const give = () => {
      if (bytes === 0) return;
      taken += 1;
      take(pieces).then(
        () => {
          taken -= 1;
          message.resume();
        },
        (error: unknown) => {
          reject(error);
          message.destroy();
        },
      );
      [pieces, bytes] = [[], 0];
    };
    message.on('data', (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      onBytes(piece.length);
      if (bytes >= PIECE_BYTES) give();
      if (taken >= MOST_TAKEN) message.pause();
    });
    finished(message, (error) => {
      give();
      if (error) reject(error);
      else resolve();
    });
  });
}
