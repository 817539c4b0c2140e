import type { ScenarioInput } from '../../sim/scenario.ts';
import { seededRandom } from '../support/random.ts';
import type { Crash, CrashPlan } from './crash.ts';

const SCENARIOS: ScenarioInput[] = [
  {},
  { listLagMs: 800 },
  { faults: [{ route: 'createPod', kind: 'dropAfter' }] },
  { faults: [{ route: 'createPod', kind: 'status', status: 500, after: true }], listLagMs: 500 },
  // The lost create's pod is listed after another one was made: a twin.
  {
    faults: [{ route: 'createPod', kind: 'dropAfter' }],
    listLagMs: 2_500,
    latencies: { imagePullMs: 3_500 },
  },
  { latencies: { provisioningMs: 300, imagePullMs: 300, sshdMs: 300, comfyStartMs: 500 } },
];

/** The plan of one run of the campaign; the same seed and number give the same plan. */
export function planOf(seed: number, run: number): CrashPlan {
  const random = seededRandom(seed * 1_000_003 + run);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const crash = (): Crash =>
    random() < 0.5
      ? {
          kind: 'atTime',
          victim: pick(['cli', 'guardian', 'keeper', 'ssh', 'keeperAndSsh', 'both', 'all']),
          afterMs: Math.floor(200 + random() * 1_800),
        }
      : {
          kind: 'atWrite',
          victim: pick(['cli.js', 'cli.js', 'keeper.js']),
          write: 1 + Math.floor(random() * 60),
          when: pick(['before', 'after']),
        };
  const crashes = Array.from({ length: 1 + Math.floor(random() * 3) }, crash);
  const scenario = pick(SCENARIOS);
  const company = pick([undefined, undefined, undefined, 'migration', 'neighbors'] as const);
  if (company === undefined) return { crashes, scenario };
  return { crashes, scenario: company === 'neighbors' ? { ...scenario, podsPerPage: 1 } : scenario, company };
}
