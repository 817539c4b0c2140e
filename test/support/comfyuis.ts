import { play } from '../services/comfyui/support/serve.ts';

/** A ComfyUI that claims are checked against. */
export interface TestComfyUi {
  /** `http://127.0.0.1:PORT`. */
  address: string;
  end(): Promise<void>;
}

const REAL = process.env.AUTOPOD_TEST_COMFYUI;

/**
 * The ComfyUIs that the same claims hold of: the simulator's, and a real one where `AUTOPOD_TEST_COMFYUI` names one that
 * runs. Of its nodes EmptyImage, ImageInvert, LoadImage and SaveImage are used.
 */
export const COMFYUIS: { name: string; isThere: boolean; begin: () => Promise<TestComfyUi> }[] = [
  { name: "the simulator's ComfyUI", isThere: true, begin: simulated },
  {
    name: REAL ? `the ComfyUI at ${REAL}` : 'a real ComfyUI (AUTOPOD_TEST_COMFYUI names none: skipped)',
    isThere: Boolean(REAL),
    begin: async () => ({ address: new URL(REAL ?? '').origin, end: async () => undefined }),
  },
];

async function simulated(): Promise<TestComfyUi> {
  const played = await play();
  return {
    address: `http://127.0.0.1:${played.way.localPort}`,
    end: () => played[Symbol.asyncDispose](),
  };
}
