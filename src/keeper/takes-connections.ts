import { once } from 'node:events';
import { connect } from 'node:net';
import { wayTo } from './way-to.ts';

/** Whether somebody listens at a Unix socket: an ssh that has ended does not. */
export async function takesConnections(path: string): Promise<boolean> {
  const socket = connect(wayTo(path));
  return once(socket, 'connect').then(
    () => Boolean(socket.destroy()),
    () => false,
  );
}
