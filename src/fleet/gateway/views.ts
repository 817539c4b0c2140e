import type { Looks } from '../../inspector/watch.ts';
import type { RunPod } from '../../services/runpod/client.ts';
import type { LogQuery } from '../../services/runpod/logs.ts';
import type { Person } from '../people/people.ts';
import type { Streamed, Streams } from './streamed.ts';

interface ViewsContext {
  watch: Looks;
  runpod: Pick<RunPod, 'podLogs'>;
  streams: Streams;
}

/** What members may look at for as long as they like. It changes nothing. */
export class Views {
  readonly #context: ViewsContext;

  constructor(context: ViewsContext) {
    this.#context = context;
  }

  /** The machines at work, as the inspector sees them. */
  looks(person: Person, token: string): Streamed {
    const { streams, watch } = this.#context;
    return streams.of(person, token, (tell) => watch.listen((look) => tell({ data: look })));
  }

  /** A pod's log as RunPod has it, line by line; a line's time is its id. */
  logs(person: Person, token: string, podId: string, query: LogQuery): Streamed {
    const { streams, runpod } = this.#context;
    return streams.of(person, token, (tell, end) => {
      const left = new AbortController();
      const lines = runpod.podLogs(podId, query, { signal: left.signal, onLost: end });
      const read = async () => {
        for await (const { isLive: _, ...line } of lines) tell({ id: line.ts, data: line });
      };
      // Whoever asked asks again, and is told then what is wrong.
      void read().then(end, end);
      return () => left.abort();
    });
  }
}
