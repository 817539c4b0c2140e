/** Every wait of a launch, in milliseconds. */
export interface Timings {
  /** How long RunPod's list may hide a pod that was just created. */
  listSettleMs: number;
  /** Pause between two looks for a pod that may have been created. */
  lookAgainMs: number;
  /** Pause between two looks at a pod that boots, stops or ends. */
  podPollMs: number;
  /** How long a pod may run before it has a public ssh port; a host without a public address never gives it one. */
  publicPortMs: number;
  /** How long ComfyUI may still answer after its log has said that the GPU cannot be used. */
  gpuDoubtMs: number;
  /** How long something else may answer in ComfyUI's place: some images show a page while it starts. */
  otherAnswerMs: number;
  /** Pause between two questions to a ComfyUI that does not answer yet. */
  comfyPollMs: number;
  /** How long RunPod may be out of reach before a step is given up. */
  apiPatienceMs: number;
  /** Pause before asking an API again that was out of reach. */
  apiRetryMs: number;
  /** How long a stop or an end may take. */
  powerOffMs: number;
  /** Pause before RunPod is asked again for a stop it took and has not done. */
  powerAgainMs: number;
  /** Pause between two looks at a launch that another process drives. */
  followPollMs: number;
  /** How long a driver may leave a word unheard before whoever is to save money passes over it. */
  unmovedMs: number;
  /** After this age a pod RunPod does not know is gone, not merely late in its list. */
  lateInListMs: number;
  /** Pause between two looks at whether a fleet's pod is used, and at what its policy says. */
  policyLookMs: number;
}

const DEFAULT_TIMINGS: Timings = {
  listSettleMs: 30_000,
  lookAgainMs: 2_000,
  podPollMs: 2_500,
  publicPortMs: 5 * 60_000,
  gpuDoubtMs: 30_000,
  otherAnswerMs: 60_000,
  comfyPollMs: 1_000,
  apiPatienceMs: 10 * 60_000,
  apiRetryMs: 3_000,
  powerOffMs: 5 * 60_000,
  powerAgainMs: 60_000,
  followPollMs: 200,
  unmovedMs: 6_000,
  lateInListMs: 5 * 60_000,
  policyLookMs: 30_000,
};

/** The defaults, with what `AUTOPOD_TIMINGS` (JSON, for rehearsals against the simulator) says otherwise. */
export function timingsFrom(env: NodeJS.ProcessEnv): Timings {
  const given = env.AUTOPOD_TIMINGS ? (JSON.parse(env.AUTOPOD_TIMINGS) as Partial<Timings>) : {};
  return { ...DEFAULT_TIMINGS, ...given };
}
