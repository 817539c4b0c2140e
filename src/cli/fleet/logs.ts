import { AutopodError } from '../../errors.ts';
import { type LogsOptions, showLog } from '../commands/logs.ts';
import type { Verb } from '../verb.ts';
import { clientFor, podMeant } from './way.ts';

/** The log of a pod of the fleet, as locally; the server hands on what RunPod has. */
export const logs: Verb<LogsOptions> = (context, named, options) =>
  showLog(
    context,
    async () => {
      const { podId, name } = await clientFor(context).info(await podMeant(context, named));
      if (podId === null) throw new AutopodError('podNotFound', { launch: name });
      return podId;
    },
    options,
  );
