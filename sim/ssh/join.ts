import type { Duplex } from 'node:stream';
import type { ServerChannel } from 'ssh2';

const NOTHING = Buffer.alloc(0);

/**
 * Joins an ssh channel to a stream so that each side may end its half on its own. `pipe` alone cannot: a server
 * channel of ssh2 closes both halves when its writing side ends.
 */
export function join(channel: ServerChannel, stream: Duplex): void {
  let openHalves = 2;
  const halfDone = () => {
    openHalves -= 1;
    if (openHalves === 0) channel.end();
  };

  channel.pipe(stream);
  channel.once('end', halfDone);
  stream.pipe(channel, { end: false });
  stream.once('end', () => {
    channel.write(NOTHING, () => {
      channel.eof();
      halfDone();
    });
  });

  channel.once('close', () => stream.destroy());
  channel.on('error', () => stream.destroy());
  stream.on('error', () => {});
  stream.once('close', () => {
    if (!stream.readableEnded) channel.close();
  });
}
