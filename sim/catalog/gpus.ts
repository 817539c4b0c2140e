/** A GPU type as the catalogue lists it, and the CUDA versions its machines report. Prices are USD per GPU-hour. */
interface GpuTypeEntry {
  id: string;
  name: string;
  pool: string | null;
  manufacturer: 'NVIDIA' | 'AMD' | 'UNKNOWN';
  memory: number;
  secure: boolean;
  community: boolean;
  price: { secure: number; community: number; serverless?: number | undefined };
  maxCount: { secure: number; community: number };
  cudaVersions: string[];
}

const COMMON_CUDA = ['12.4', '12.6', '12.8', '12.9'];
const BLACKWELL_CUDA = ['12.8', '12.9', '13.0'];

/** The GPU types of the simulated account, unless a scenario brings its own. */
export const DEFAULT_GPUS: readonly GpuTypeEntry[] = [
  nvidia('NVIDIA A40', 'A40', 48, 0.4, 0.35, 'AMPERE_48'),
  nvidia('NVIDIA RTX A4000', 'RTX A4000', 16, 0.25, 0.17, 'AMPERE_16'),
  nvidia('NVIDIA RTX A4500', 'RTX A4500', 20, 0.25, 0.19, 'AMPERE_16'),
  nvidia('NVIDIA RTX A5000', 'RTX A5000', 24, 0.27, 0.16, 'AMPERE_24'),
  nvidia('NVIDIA RTX A6000', 'RTX A6000', 48, 0.49, 0.33, 'AMPERE_48'),
  nvidia('NVIDIA GeForce RTX 3090', 'RTX 3090', 24, 0.46, 0.22, 'AMPERE_24'),
  nvidia('NVIDIA GeForce RTX 4090', 'RTX 4090', 24, 0.69, 0.34, 'ADA_24'),
  nvidia('NVIDIA GeForce RTX 5090', 'RTX 5090', 32, 0.94, 0.69, 'ADA_32_PRO', BLACKWELL_CUDA),
  nvidia('NVIDIA L4', 'L4', 24, 0.43, 0, 'ADA_24'),
  nvidia('NVIDIA L40', 'L40', 48, 0.99, 0.69, 'ADA_48_PRO'),
  nvidia('NVIDIA L40S', 'L40S', 48, 0.86, 0.79, 'ADA_48_PRO'),
  nvidia('NVIDIA RTX 2000 Ada Generation', 'RTX 2000 Ada', 16, 0.24, 0, null),
  nvidia('NVIDIA RTX 4000 Ada Generation', 'RTX 4000 Ada', 20, 0.26, 0, 'AMPERE_16'),
  nvidia('NVIDIA RTX 6000 Ada Generation', 'RTX 6000 Ada', 48, 0.77, 0.74, 'ADA_48_PRO'),
  nvidia('NVIDIA A100 80GB PCIe', 'A100 PCIe', 80, 1.39, 1.19, 'AMPERE_80'),
  nvidia('NVIDIA A100-SXM4-80GB', 'A100 SXM', 80, 1.49, 1.39, 'AMPERE_80'),
  nvidia('NVIDIA H100 PCIe', 'H100 PCIe', 80, 2.39, 1.99, 'ADA_80_PRO'),
  nvidia('NVIDIA H100 80GB HBM3', 'H100 SXM', 80, 2.99, 2.69, 'ADA_80_PRO'),
  nvidia('NVIDIA H100 NVL', 'H100 NVL', 94, 3.07, 2.59, 'ADA_80_PRO'),
  nvidia('NVIDIA H200', 'H200 SXM', 141, 3.59, 0, 'HOPPER_141'),
  nvidia('NVIDIA B200', 'B200', 180, 5.98, 0, 'BLACKWELL_180', BLACKWELL_CUDA),
  {
    ...nvidia('AMD Instinct MI300X OAM', 'MI300X', 192, 2.69, 0, null, []),
    manufacturer: 'AMD',
  },
];

/** A community price of zero means that the type is not offered there. */
function nvidia(
  id: string,
  name: string,
  memory: number,
  securePrice: number,
  communityPrice: number,
  pool: string | null,
  cudaVersions = COMMON_CUDA,
): GpuTypeEntry {
  const community = communityPrice > 0;
  return {
    id,
    name,
    pool,
    manufacturer: 'NVIDIA',
    memory,
    secure: true,
    community,
    price: { secure: securePrice, community: communityPrice },
    maxCount: { secure: 8, community: community ? 4 : 0 },
    cudaVersions,
  };
}
