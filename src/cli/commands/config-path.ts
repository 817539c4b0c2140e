import { describeHome, homePath } from '../../store/home.ts';
import type { Verb } from '../verb.ts';

/** Prints where config.json is, whether or not it exists. */
export const configPath: Verb<object> = async ({ out, env }) => {
  const path = describeHome(homePath(env)).config;
  if (out.isJson) out.json({ path });
  else out.line(path);
  return 0;
};
