import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../test/support/processes.ts';
import { until } from '../test/support/until.ts';
import type { Contender } from './contenders.ts';
import { markdown } from './report.ts';

/** Requests on a connection the client keeps, every ssh killed just before each one: how many fail. */
export async function keptConnections(contenders: Contender[], requests: number): Promise<string> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    if (!(await contender.answers())) await contender.restart();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let failed = 0;
    for (let n = 0; n < requests; n++) {
      await until(`${contender.name} answers`, () => isAnswered(contender.port, agent), 30_000);
      signal(await contender.everySshPid(), 'SIGKILL');
      if (!(await isAnswered(contender.port, agent))) failed += 1;
      // autossh takes a moment to see that its ssh has ended.
      await sleep(200);
    }
    agent.destroy();
    rows.push([contender.name, `${failed} of ${requests}`]);
  }
  return markdown(['', 'requests on a kept connection that failed'], rows);
}

function isAnswered(port: number, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/system_stats', agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    });
    asked.once('error', () => resolve(false)).end();
  });
}
