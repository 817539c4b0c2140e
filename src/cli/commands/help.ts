import { AutopodError } from '../../errors.ts';
import { stateHelp } from '../state/state-help.ts';
import { HELP_TOPICS, TOPICS } from '../text/topics.ts';
import type { Verb } from '../verb.ts';
import { prose } from '../views/prose.ts';

/** Explains a topic: what the commands' own help has no place for. */
export const help: Verb<object> = async ({ out }, named = '', _options, second) => {
  const topic = second === undefined ? named : `${named} ${second}`;
  const words = topic === 'states' ? stateHelp() : HELP_TOPICS[topic];
  if (words === undefined) {
    throw new AutopodError('usage', {
      message: `There is no command or topic “${topic}”.`,
      next: `Topics: ${TOPICS.join(', ')}. Commands: autopod --help.`,
    });
  }
  out.line(prose(words, out.screen));
  return 0;
};
