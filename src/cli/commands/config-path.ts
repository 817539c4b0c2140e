import { describeHome, homePath } from '../../store/home.ts';
import type { Context } from '../context.ts';

/** Prints where config.json is, whether or not it exists. */
export async function configPath({ out, env }: Pick<Context, 'out' | 'env'>): Promise<number> {
  const path = describeHome(homePath(env)).config;
  if (out.isJson) out.json({ path });
  else out.line(path);
  return 0;
}
