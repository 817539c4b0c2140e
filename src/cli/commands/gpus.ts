import { AutopodError } from '../../errors.ts';
import type { GpuType, RunPod } from '../../services/runpod/client.ts';
import { cudaFloor } from '../../services/runpod/cuda.ts';
import { resolveGpuNames } from '../../services/runpod/gpu-names.ts';
import { type CloudTier, maxCount } from '../../services/runpod/placement.ts';
import { validateDataCenter, validateVolume } from '../../services/runpod/volume.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { rememberPlaces } from '../../store/places.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';

interface GpusOptions {
  volumeId?: string;
  datacenter?: string;
  cloudType: 'SECURE' | 'COMMUNITY' | 'ALL';
  gpuCount: number;
  minCuda?: string;
  minMemory?: number;
  maxPrice?: number;
  all?: boolean;
}

interface Row {
  id: string;
  name: string;
  memoryGb: number | null;
  cloud: CloudTier;
  /** USD for as many GPUs as were asked for. */
  pricePerHour: number;
  stock: string;
  dataCenterIds: string[];
}

const RANK: Record<string, number> = { HIGH: 0, MEDIUM: 1, LOW: 2, NONE: 3 };

/** Which GPUs could be had now, where, and for how much; narrowed to where a volume is. */
export const gpus: Verb<GpusOptions> = async (context, filter, options) => {
  const { out, signal } = context;
  const runpod = await context.runpod();
  const place = await placeOf(runpod, options, signal);
  const { minCudaVersion, image } = await context.config();
  const floor = cudaFloor(options.minCuda ?? minCudaVersion, image);
  const onAnyHost = named(await rowsOn(context, options, place, undefined), filter);
  if (onAnyHost.length === 0) await requireKnown(context, filter, options);
  const meant = new Set(onAnyHost.map(({ id }) => id));
  const found =
    floor === undefined
      ? onAnyHost
      : (await rowsOn(context, options, place, floor)).filter(({ id }) => meant.has(id));
  const rows = found.toSorted((a, b) => a.pricePerHour - b.pricePerHour || a.name.localeCompare(b.name));
  const tooOld = onlyOnOlder(onAnyHost, rows);
  if (out.isJson)
    out.json({ gpus: rows, dataCenterId: place ?? null, minCudaVersion: floor ?? null, tooOld });
  else if (rows.length === 0) out.say(text.noGpus(place, options.all === true));
  else printRows(context, rows, place);
  if (!out.isJson && floor !== undefined && tooOld.length > 0) out.say(text.tooOldGpus(tooOld, floor));
  return rows.length > 0 ? 0 : 1;
};

/** Throws what is wrong with the question, where something is: nobody has such a GPU, or so many of them. */
async function requireKnown(
  context: Context,
  filter: string | undefined,
  { gpuCount: count, cloudType }: GpusOptions,
): Promise<void> {
  const catalog = await (await context.runpod()).gpuCatalog({ count: 1, cloud: 'SECURE' }, context.signal);
  const meant = named(catalog, filter);
  if (filter !== undefined && meant.length === 0) resolveGpuNames([filter], catalog);
  const tiers: CloudTier[] = cloudType === 'ALL' ? ['SECURE', 'COMMUNITY'] : [cloudType];
  const most = Math.max(...tiers.flatMap((cloud) => meant.map((gpu) => maxCount(gpu, cloud))));
  if (count > most) {
    throw new AutopodError('usage', {
      message: `No machine has ${count} of these GPUs; the most on one is ${most}.`,
      next: 'Ask for fewer with --gpu-count.',
    });
  }
}

/** Names of what is in stock, yet in no cloud on a host that is new enough. */
function onlyOnOlder(all: Row[], newEnough: Row[]): string[] {
  const had = new Set(newEnough.filter(({ stock }) => stock !== 'NONE').map(({ name }) => name));
  const names = all.filter(({ name, stock }) => stock !== 'NONE' && !had.has(name)).map(({ name }) => name);
  return [...new Set(names)];
}

/** What is wanted, on hosts with at least this CUDA version. */
async function rowsOn(
  context: Context,
  options: GpusOptions,
  place: string | undefined,
  minCudaVersion: string | undefined,
): Promise<Row[]> {
  const { gpuCount: count, cloudType, volumeId } = options;
  const both: CloudTier[] = volumeId ? ['SECURE'] : ['SECURE', 'COMMUNITY'];
  const tiers = cloudType === 'ALL' ? both : [cloudType];
  const runpod = await context.runpod();
  const catalogs = await Promise.all(
    tiers.map(async (cloud) => ({
      cloud,
      types: await runpod.gpuCatalog({ count, cloud, minCudaVersion }, context.signal),
    })),
  );
  await rememberNames(context, catalogs[0]?.types ?? []);
  return catalogs
    .flatMap(({ cloud, types }) =>
      types.filter((gpu) => count <= maxCount(gpu, cloud)).map((gpu) => rowOf(gpu, cloud, count, place)),
    )
    .filter((row) => row.pricePerHour > 0 && isWanted(row, options));
}

/** Where to look: where the volume is, or the data center that was named; anywhere without either. */
async function placeOf(
  runpod: RunPod,
  { volumeId, datacenter }: GpusOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = datacenter === undefined ? {} : { dataCenterId: datacenter };
  if (volumeId !== undefined)
    return (await validateVolume(runpod, { volumeId, ...asked }, signal)).dataCenter;
  if (datacenter !== undefined) await validateDataCenter(runpod, datacenter, signal);
  return datacenter;
}

function rowOf(gpu: GpuType, cloud: CloudTier, count: number, place: string | undefined): Row {
  const places = (gpu.dataCenters ?? []).filter(({ id }) => place === undefined || id === place);
  const offered = places.filter(({ availability }) => availability !== 'NONE');
  const best = offered.map(({ availability }) => availability).toSorted((a, b) => rank(a) - rank(b))[0];
  const price = cloud === 'SECURE' ? gpu.price.secure : gpu.price.community;
  return {
    id: gpu.id,
    name: gpu.name,
    memoryGb: gpu.memory ?? null,
    cloud,
    pricePerHour: (price ?? 0) * count,
    stock: place === undefined ? (gpu.availability ?? best ?? 'NONE') : (best ?? 'NONE'),
    dataCenterIds: offered.map(({ id }) => id),
  };
}

function isWanted(row: Row, { all, minMemory, maxPrice }: GpusOptions): boolean {
  return (
    (all === true || row.stock !== 'NONE') &&
    (minMemory === undefined || (row.memoryGb ?? 0) >= minMemory) &&
    (maxPrice === undefined || row.pricePerHour <= maxPrice)
  );
}

// "A40" is the A40 where there is one, not each A4000 as well.
function named<Kind extends Pick<Row, 'id' | 'name'>>(rows: Kind[], filter: string | undefined): Kind[] {
  if (filter === undefined) return rows;
  const wanted = filter.toLowerCase();
  const hasWord = ({ id, name }: Kind) => `${name} ${id}`.toLowerCase().split(' ').includes(wanted);
  if (rows.some(hasWord)) return rows.filter(hasWord);
  return rows.filter(({ id, name }) => `${name} ${id}`.toLowerCase().includes(wanted));
}

function rank(stock: string): number {
  return RANK[stock] ?? 2;
}

function printRows({ out }: Context, rows: Row[], place: string | undefined): void {
  const cells = rows.map((row) => [
    row.name,
    row.memoryGb === null ? '–' : `${row.memoryGb} GB`,
    `$${row.pricePerHour.toFixed(2)}/h`,
    row.cloud === 'SECURE' ? 'Secure' : 'Community',
    row.stock.toLowerCase(),
    place ?? shortList(row.dataCenterIds),
  ]);
  out.line(
    table(['GPU', 'MEMORY', 'PRICE', 'CLOUD', 'STOCK', 'WHERE'], cells, out.screen, [
      'CLOUD',
      'WHERE',
      'MEMORY',
    ]),
  );
  out.say(text.stockIsAHint());
}

function shortList(ids: string[]): string {
  const shown = ids.slice(0, 3).join(', ');
  return ids.length > 3 ? `${shown} and ${ids.length - 3} more` : shown || '–';
}

// For shell completion, which asks nobody.
async function rememberNames(context: Context, types: GpuType[]): Promise<void> {
  const names = JSON.stringify(types.map(({ name }) => name));
  // Completion does without it.
  await writeFileAtomic(context.home().gpuNames, names).catch(() => undefined);
  const ids = types.flatMap(({ dataCenters }) => (dataCenters ?? []).map(({ id }) => id));
  await rememberPlaces(context.home(), { dataCenters: [...new Set(ids)].toSorted() });
}
