import type { Scenario } from '../scenario.ts';

/** What of a machine's CUDA version is asked for: one of some, or at least one; nothing means any. */
export interface CudaRequest {
  allowedCudaVersions?: string[] | undefined;
  minCudaVersion?: string | undefined;
}

/** Of the CUDA versions that a data center's machines of one GPU type report, those that are asked for. */
export function cudaVersionsIn(
  { gpus, hostCudaVersions }: Scenario,
  gpuId: string,
  dataCenterId: string,
  { allowedCudaVersions: allowed = [], minCudaVersion }: CudaRequest,
): string[] {
  const everywhere = gpus.find(({ id }) => id === gpuId)?.cudaVersions ?? [];
  const reported = hostCudaVersions[gpuId]?.[dataCenterId] ?? everywhere;
  return reported.filter(
    (version) =>
      (allowed.length === 0 || allowed.includes(version)) &&
      (minCudaVersion === undefined || isAtLeast(version, minCudaVersion)),
  );
}

/** Machines that report no version, as AMD's, fit as long as nothing is asked. */
export function hasFittingHosts(
  scenario: Scenario,
  gpuId: string,
  dataCenterId: string,
  asked: CudaRequest,
): boolean {
  const isAsked = (asked.allowedCudaVersions ?? []).length > 0 || asked.minCudaVersion !== undefined;
  return !isAsked || cudaVersionsIn(scenario, gpuId, dataCenterId, asked).length > 0;
}

export function oldest(versions: readonly string[]): string | null {
  return versions.toSorted((a, b) => (isAtLeast(a, b) ? 1 : -1))[0] ?? null;
}

/** Compares CUDA versions as numbers: 12.11 is above 12.2. A bare major stands for its first release. */
export function isAtLeast(version: string, floor: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}
