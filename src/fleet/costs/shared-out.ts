/** What a pod has cost, and whose it is or was. */
export interface PodCost {
  podId: string;
  owner: string;
  usd: number;
}

/** What a job has cost: the pod's rate for as long as ComfyUI ran. */
export interface JobCost {
  podId: string;
  owner: string;
  usd: number;
}

/** What somebody, or a pool, has cost. In millionths of a USD, so that sums are what they are sums of. */
export interface Share {
  /** A person's name, or a pool's without the word. */
  name: string;
  isPool: boolean;
  /** Of a person's jobs, on pods of pools. */
  jobs: number;
  /** Of pods of their own, whatever these did; of a pool: while its pods came up, waited and went. */
  pods: number;
  /** Both. */
  all: number;
  /** The same with what pools cost by themselves given to who used them; a pool keeps what nobody used. */
  shared: number;
}

const MILLION = 1e6;
/** As owners of pods are kept. */
const POOL = /^pool (.+)$/;

/**
 * Gives every millionth that pods have cost to somebody: a pod of a person's to that person; of a pool's, to each whose
 * jobs ran there what those cost, and what is left to the pool. Jobs that would come to more than their pod are cut to it.
 */
export function sharedOut(pods: PodCost[], jobs: JobCost[]): Share[] {
  const shares = new Map<string, Share>();
  const ofPools = new Map<string, Map<string, number>>();
  const jobsOf = new Map<string, JobCost[]>();
  for (const job of jobs) {
    const ofPod = jobsOf.get(job.podId) ?? [];
    ofPod.push(job);
    jobsOf.set(job.podId, ofPod);
  }
  for (const { podId, owner, usd } of pods) {
    const cost = Math.max(0, Math.round(usd * MILLION));
    const [, pool] = POOL.exec(owner) ?? [];
    if (pool === undefined) {
      shareOf(shares, owner, false).pods += cost;
      continue;
    }
    const used = new Map<string, number>();
    for (const job of jobsOf.get(podId) ?? [])
      add(used, job.owner, Math.max(0, Math.round(job.usd * MILLION)));
    const byPerson = sumOf(used) > cost ? apportioned(cost, used) : used;
    const ofPool = ofPools.get(pool) ?? new Map<string, number>();
    ofPools.set(pool, ofPool);
    for (const [name, millionths] of byPerson) {
      shareOf(shares, name, false).jobs += millionths;
      add(ofPool, name, millionths);
    }
    shareOf(shares, pool, true).pods += cost - sumOf(byPerson);
  }
  for (const share of shares.values()) {
    share.all = share.jobs + share.pods;
    share.shared += share.all;
  }
  for (const [pool, used] of ofPools) {
    const own = shareOf(shares, pool, true);
    if (sumOf(used) === 0) continue;
    for (const [name, millionths] of apportioned(own.pods, used)) {
      shareOf(shares, name, false).shared += millionths;
      own.shared -= millionths;
    }
  }
  return [...shares.values()];
}

/** A whole in parts that go as the weights go, of which one at least is not 0; the parts' sum is the whole. */
export function apportioned(whole: number, weights: ReadonlyMap<string, number>): Map<string, number> {
  const total = sumOf(weights);
  const exact = [...weights].map(([name, weight]) => ({ name, part: (whole * weight) / total }));
  const parts = new Map(exact.map(({ name, part }) => [name, Math.floor(part)]));
  const left = whole - sumOf(parts);
  const byRest = exact.toSorted((a, b) => (b.part % 1) - (a.part % 1) || a.name.localeCompare(b.name));
  for (const { name } of byRest.slice(0, left)) add(parts, name, 1);
  return parts;
}

function shareOf(shares: Map<string, Share>, name: string, isPool: boolean): Share {
  const key = `${isPool ? 'pool' : 'person'} ${name}`;
  const share = shares.get(key) ?? { name, isPool, jobs: 0, pods: 0, all: 0, shared: 0 };
  shares.set(key, share);
  return share;
}

function add(sums: Map<string, number>, name: string, millionths: number): void {
  sums.set(name, (sums.get(name) ?? 0) + millionths);
}

function sumOf(sums: ReadonlyMap<string, number>): number {
  return [...sums.values()].reduce((sum, each) => sum + each, 0);
}
