/** How much of a GPU type a data center has, as the catalogue words it. */
export const STOCK_LEVELS = ['NONE', 'LOW', 'MEDIUM', 'HIGH'] as const;
export type StockLevel = (typeof STOCK_LEVELS)[number];

/** Stock by GPU id, then by data center id. What is not named is not offered there. */
type Stock = Record<string, Record<string, StockLevel>>;

export const DEFAULT_STOCK: Stock = {
  'NVIDIA A40': { 'CA-MTL-1': 'HIGH', 'US-GA-1': 'MEDIUM', 'EU-SE-1': 'LOW' },
  'NVIDIA RTX A4000': { 'EU-RO-1': 'HIGH', 'CA-MTL-1': 'LOW' },
  'NVIDIA RTX A4500': { 'EU-RO-1': 'MEDIUM' },
  'NVIDIA RTX A5000': { 'EU-SE-1': 'HIGH', 'US-GA-1': 'HIGH', 'US-IL-1': 'LOW' },
  'NVIDIA RTX A6000': { 'CA-MTL-1': 'MEDIUM', 'US-GA-1': 'MEDIUM', 'US-TX-3': 'LOW' },
  'NVIDIA GeForce RTX 3090': { 'EU-CZ-1': 'MEDIUM', 'US-WA-1': 'LOW' },
  'NVIDIA GeForce RTX 4090': { 'EU-RO-1': 'HIGH', 'US-IL-1': 'MEDIUM', 'US-TX-3': 'HIGH', 'EUR-IS-1': 'LOW' },
  'NVIDIA GeForce RTX 5090': { 'EU-RO-1': 'LOW', 'EUR-IS-1': 'MEDIUM', 'US-NC-1': 'MEDIUM' },
  'NVIDIA L4': { 'EU-RO-1': 'HIGH', 'US-TX-3': 'HIGH' },
  'NVIDIA L40': { 'US-TX-3': 'LOW' },
  'NVIDIA L40S': { 'US-GA-1': 'HIGH', 'US-TX-3': 'MEDIUM', 'EU-NL-1': 'MEDIUM' },
  'NVIDIA RTX 2000 Ada Generation': { 'EU-RO-1': 'HIGH' },
  'NVIDIA RTX 4000 Ada Generation': { 'EU-RO-1': 'MEDIUM', 'US-IL-1': 'LOW' },
  'NVIDIA RTX 6000 Ada Generation': { 'US-TX-3': 'MEDIUM', 'EU-RO-1': 'NONE' },
  'NVIDIA A100 80GB PCIe': { 'US-KS-2': 'MEDIUM', 'EU-RO-1': 'LOW' },
  'NVIDIA A100-SXM4-80GB': { 'US-KS-2': 'HIGH', 'US-GA-2': 'LOW' },
  'NVIDIA H100 PCIe': { 'US-KS-2': 'LOW', 'CA-MTL-3': 'NONE' },
  'NVIDIA H100 80GB HBM3': { 'US-CA-2': 'MEDIUM', 'AP-JP-1': 'LOW', 'EU-NL-1': 'NONE' },
  'NVIDIA H100 NVL': { 'US-KS-2': 'LOW' },
  'NVIDIA H200': { 'US-NC-1': 'LOW', 'EUR-NO-1': 'LOW' },
  'NVIDIA B200': { 'US-CA-2': 'LOW' },
  'AMD Instinct MI300X OAM': { 'EU-RO-1': 'NONE' },
};

/** The best of several levels. */
export function bestLevel(levels: readonly StockLevel[]): StockLevel {
  return levels.reduce<StockLevel>((best, level) => (rank(level) > rank(best) ? level : best), 'NONE');
}

/** NONE is 0, HIGH is 3. */
export function rank(level: StockLevel): number {
  return STOCK_LEVELS.indexOf(level);
}
