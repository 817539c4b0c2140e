import { steadyMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { TunnelView } from '../keeper/client.ts';

/** Notices that something else has answered in ComfyUI's place for too long to be a page shown while it starts. */
export class OtherAnswer {
  readonly #patienceMs: number;
  #since: number | undefined;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  verdict(view: TunnelView | undefined): AutopodError | undefined {
    if (view?.comfy !== 'other') {
      this.#since = undefined;
      return undefined;
    }
    this.#since ??= steadyMs();
    return steadyMs() - this.#since < this.#patienceMs ? undefined : comfyElsewhere(view);
  }
}

export function comfyElsewhere({ podId, answeredBy }: TunnelView): AutopodError {
  return new AutopodError('comfyElsewhere', { podId, answeredBy });
}
