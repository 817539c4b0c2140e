import type { AnyStateMachine } from 'xstate';
import { AutopodError } from '../../errors.ts';
import { chartOf } from '../../inspector/chart.ts';
import { podMachine } from '../../machines/pod.ts';
import { tunnelMachine } from '../../machines/tunnel.ts';
import { HELP_TOPICS } from '../text/topics.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';

/** Explains a topic: what the commands' own help has no place for. */
export const help: Verb<object> = async ({ out }, named = '', _options, second) => {
  const topic = second === undefined ? named : `${named} ${second}`;
  if (topic === 'states') {
    const pod = ['A pod is in one of these states:', '', ...statesOf(podMachine)];
    const tunnel = ['', 'And a tunnel in one of these:', '', ...statesOf(tunnelMachine)];
    out.line(prose([...pod, ...tunnel].join('\n'), out.screen));
    return 0;
  }
  const words = HELP_TOPICS[topic];
  if (words === undefined) {
    const topics = ['states', ...Object.keys(HELP_TOPICS)].join(', ');
    throw new AutopodError('usage', {
      message: `There is no command or topic “${topic}”.`,
      next: `Topics: ${topics}. Commands: autopod --help.`,
    });
  }
  out.line(prose(words, out.screen));
  return 0;
};

function statesOf(machine: AnyStateMachine): string[] {
  const { states } = chartOf(machine);
  const width = Math.max(...states.map(({ id }) => id.length));
  return states.map(({ id, description }) => `  ${id.padEnd(width)}  ${description}`);
}
