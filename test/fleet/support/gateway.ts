import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Asked, type Bounds, type Gateway, listen } from '../../../src/fleet/gateway/http.ts';
import { answer } from '../../../src/fleet/gateway/routes.ts';
import type { Verbs } from '../../../src/fleet/gateway/verbs.ts';
import type { Views } from '../../../src/fleet/gateway/views.ts';
import { openFleetHome } from '../../../src/fleet/home.ts';
import { People, type Role } from '../../../src/fleet/people/people.ts';
import { tempHome } from '../../support/temp-home.ts';

const BOUNDS: Bounds = { headersMs: 300, requestMs: 600, bodyBytes: 2_000 };

export interface BareGateway {
  url: string;
  people: People;
  token: (role: Role) => Promise<string>;
  /** Where the people are kept. */
  file: string;
  /** Names of the verbs that were reached, in the order they were. */
  reached: string[];
}

/** A gateway before verbs that only tell that they were reached; it ends with the test, or as `atEnd` has it. */
export async function bareGateway(
  atEnd: (end: () => void | Promise<void>) => void = onTestFinished,
): Promise<BareGateway> {
  const home = openFleetHome(tempHome(atEnd));
  const people = new People(home);
  const reached: string[] = [];
  const verbs = new Proxy({} as Verbs, {
    get: (_, name) => async () => {
      reached.push(String(name));
      if (name === 'podsAtRunPod') return [];
      return name === 'podAtRunPod' ? { id: 'p', env: { SECRET: 's', PUBLIC_KEY: 'k' } } : {};
    },
  });
  const any = verbs as never;
  const others = { seen: any, jobs: any, pools: any, contents: any, costs: any };
  const served: Gateway = await listen(
    { host: '127.0.0.1', port: 0 },
    (asked: Asked) =>
      answer({ people, verbs, ...others, views: viewsThatTell(reached), log: () => undefined }, asked),
    { log: () => undefined, bounds: BOUNDS },
  );
  atEnd(() => served.close());
  let count = 0;
  const token = async (role: Role) => {
    count += 1;
    return (await people.login(await people.invite({ name: `p${count}`, role }), null)).token;
  };
  return { url: served.url, people, token, file: home.people, reached };
}

/** As the verbs: what goes on is told as begun. */
function viewsThatTell(reached: string[]): Views {
  const told = (name: string) => () => {
    reached.push(name);
    return {};
  };
  return { looks: told('looks'), logs: told('logs') } as unknown as Views;
}

/** What is answered to bytes as they are; what is sent later comes in pieces with a pause. */
export async function raw(url: string, ...pieces: string[]): Promise<string> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answered = '';
  socket.on('data', (text: string) => {
    answered += text;
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  for (const piece of pieces) socket.write(piece, 'latin1');
  await closed;
  return answered;
}
