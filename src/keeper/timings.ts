/** Every wait of the keeper, in milliseconds, and what else tests shorten. */
export interface KeeperTimings {
  /** Between two beats over an ssh session. */
  beatMs: number;
  /** Without an answer for this long the tunnel is dead. */
  deadAfterMs: number;
  /** From the start of ssh to its first answer. */
  openTimeoutMs: number;
  /** A login shell on the pod that says nothing for this long is taken to be silent: HTTP is asked instead. */
  shellSilentMs: number;
  /** From the start of ssh until another one is started beside it, if the pod answers a knock. */
  handshakeMs: number;
  /** From when a tunnel is healthy until another ssh is opened that stands by. */
  standbyAfterMs: number;
  /** Seconds between two keepalives of that ssh, which is to be silent in an outage and yet remembered by what is on the way. */
  standbyKeepaliveSeconds: number;
  /** Between two fresh TCP connects to a pod that is out of reach; after some minutes they come less often. */
  knockMs: number;
  /** First and longest pause between attempts; the first retry comes at once. */
  firstBackoffMs: number;
  maxBackoffMs: number;
  /** Between two looks at a pod that does not run. */
  podPollMs: number;
  /** RunPod is asked for one pod at most this often, and less and less down to every `maxLocateMs`. */
  locateEveryMs: number;
  maxLocateMs: number;
  /** After a pod's start its keys may not be written yet: so long a refused key is tried again. */
  keyGraceMs: number;
  /** Between two questions to a ComfyUI that answers, and to one that does not. */
  comfyAnsweringMs: number;
  comfyDownMs: number;
  /** How long a connection is held while the tunnel heals. */
  holdMs: number;
  /** How long a keeper that takes up a tunnel waits for its local port, which somebody else has got meanwhile. */
  portPatienceMs: number;
  /** Between two looks at whether a pod is to be stopped by itself. */
  autoStopLookMs: number;
  /** Between two looks at the guards in the pods, each of which is a session over ssh. */
  guardLookMs: number;
  /** How long past a pod's time the guard in it leaves the stop to this machine, if it has just heard of it. */
  guardLeadMs: number;
  /** Between two questions to ComfyUI for one job. */
  jobPollMs: number;
  /** For so long after it was sent, a prompt that ComfyUI does not know may still be on its way. */
  jobArrivalMs: number;
  /** Between two looks at what the keeper stands on: its home, its guardian, who needs its tunnels. */
  lookMs: number;
  /** How long the keeper stays, its home being away, and how long if a pod is to be stopped. */
  homeAwayMs: number;
  homeAwayPlannedMs: number;
  /** Starts of a keeper, one failing right after the other, after which its guardian gives up. */
  maxFailedStarts: number;
  /** How long the keeper stays when nothing is wanted. */
  lingerMs: number;
}

export const KEEPER_TIMINGS: KeeperTimings = {
  beatMs: 1_000,
  deadAfterMs: 2_000,
  openTimeoutMs: 25_000,
  shellSilentMs: 4_000,
  handshakeMs: 2_000,
  standbyAfterMs: 1_000,
  standbyKeepaliveSeconds: 60,
  knockMs: 120,
  firstBackoffMs: 300,
  maxBackoffMs: 5_000,
  podPollMs: 5_000,
  locateEveryMs: 400,
  maxLocateMs: 5_000,
  keyGraceMs: 90_000,
  comfyAnsweringMs: 15_000,
  comfyDownMs: 2_000,
  holdMs: 30_000,
  portPatienceMs: 15_000,
  autoStopLookMs: 15_000,
  guardLookMs: 15_000,
  guardLeadMs: 20_000,
  jobPollMs: 1_000,
  jobArrivalMs: 3_000,
  lookMs: 1_000,
  homeAwayMs: 5 * 60_000,
  homeAwayPlannedMs: 24 * 60 * 60_000,
  maxFailedStarts: 20,
  lingerMs: 2_000,
};

/** The defaults, with what `AUTOPOD_KEEPER_TIMINGS` (JSON, for tests) says otherwise. */
export function keeperTimings(env: NodeJS.ProcessEnv): KeeperTimings {
  return { ...KEEPER_TIMINGS, ...JSON.parse(env.AUTOPOD_KEEPER_TIMINGS ?? '{}') };
}
