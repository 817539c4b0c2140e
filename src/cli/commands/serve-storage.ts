import { resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { openFleetHome } from '../../fleet/home.ts';
import { Bucket } from '../../fleet/storage/bucket.ts';
import { installLibrary, libraryFolder, requireLibrary } from '../../fleet/storage/library.ts';
import {
  type BucketPlace,
  placeWords,
  Settings,
  type StorageSettings,
  withBucket,
} from '../../fleet/storage/settings.ts';
import { storageStanding } from '../../fleet/storage/standing.ts';
import { diskOf, usageOf } from '../../fleet/storage/usage.ts';
import { JobStore } from '../../store/jobs.ts';
import { type StoragePlace, storagePlace } from '../arguments/storage.ts';
import type { Context } from '../context.ts';
import { bytesWords, daysWords, keptLines, standingLines, storageText } from '../text/storage.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';
import { noteAtServer } from './serve-people.ts';

interface Options {
  endpoint?: string;
  region?: string;
  style?: 'path' | 'virtual';
  credentials?: string;
  move?: boolean;
  keepInputs?: number | 'never';
  keepOutputs?: number | 'never';
  keepFree?: number;
  quota?: number | 'none';
  install?: boolean;
}

/** Milliseconds to write something there, read it and remove it. */
const PROBE_MS = 60_000;
/** Of AWS; others take it as well. */
const USUAL_REGION = 'us-east-1';

/** Shows where files of a fleet's jobs are kept, how long and whose they are; or changes where and how long. It holds at once. */
export const storage: Verb<Options> = async (context, named, options) => {
  if (options.install) return install(context);
  const home = openFleetHome(context.home());
  const settings = new Settings(home);
  const where = named === undefined ? undefined : storagePlace(named);
  requirePlaceFor(options, where);
  const place = where === undefined || where === 'disk' ? undefined : placeOf(where, options);
  const told = toldOf(where, place, options);
  if (told === '') return show(context, settings);
  if (place) await probe(context, await settings.read(), place);
  const before = await settings.read();
  await settings.change((now) => changed(now, where, place, options), context.signal);
  await noteAtServer(context, { machine: 'storage@1', id: 'files', event: 'changed', to: told });
  const shown = await show(context, settings);
  if (place && before.current === null) context.out.say(storageText.movedFromDisk(options.move === true));
  if (where === 'disk' && before.current !== null) context.out.say(storageText.stays());
  return shown;
};

/** Options that say which bucket, and how it is entered. */
function requirePlaceFor(options: Options, where: StoragePlace | undefined): void {
  if (where !== undefined && where !== 'disk') return;
  const { endpoint, region, style, credentials, move } = options;
  const said = Object.entries({ endpoint, region, style, credentials, move });
  const [lost] = said.flatMap(([name, value]) => (value === undefined ? [] : `--${name}`));
  if (lost !== undefined) throw new AutopodError('usage', storageText.nothingWithDisk(lost));
}

function placeOf(
  { bucket, prefix }: Exclude<StoragePlace, 'disk'>,
  { endpoint, region = USUAL_REGION, style, credentials }: Options,
): Omit<BucketPlace, 'id'> {
  return {
    bucket,
    prefix,
    endpoint: endpoint ?? null,
    region,
    // Whoever is not AWS has no name for each bucket, as a rule.
    style: style ?? (endpoint === undefined ? 'virtual' : 'path'),
    credentials: credentials === undefined ? null : resolve(credentials),
  };
}

/** What would be wrong later is wrong now, and nothing is changed. */
async function probe(
  context: Context,
  { fleet }: StorageSettings,
  place: Omit<BucketPlace, 'id'>,
): Promise<void> {
  const library = requireLibrary(libraryFolder(context.home()));
  const bucket = await Bucket.open({ id: 'probe', ...place }, library);
  try {
    const key = [place.prefix, fleet, 'probe'].filter(Boolean).join('/');
    await bucket.probe(key, AbortSignal.any([context.signal, AbortSignal.timeout(PROBE_MS)]));
  } finally {
    bucket.close();
  }
}

function changed(
  settings: StorageSettings,
  where: StoragePlace | undefined,
  place: Omit<BucketPlace, 'id'> | undefined,
  { move = false, keepInputs, keepOutputs, keepFree, quota }: Options,
): StorageSettings {
  const placed = place ? withBucket(settings, { ...place, isMoved: move, now: Date.now() }) : settings;
  const age = (said: number | 'never' | undefined, before: number | null) =>
    said === undefined ? before : said === 'never' ? null : said;
  return {
    ...placed,
    ...(where === 'disk' && { current: null }),
    keepInputsMs: age(keepInputs, placed.keepInputsMs),
    keepOutputsMs: age(keepOutputs, placed.keepOutputsMs),
    ...(keepFree !== undefined && { keepFree }),
    ...(quota !== undefined && { quota: quota === 'none' ? null : quota }),
  };
}

/** What is changed, as the journal has it, which members see. */
function toldOf(
  where: StoragePlace | undefined,
  place: Omit<BucketPlace, 'id'> | undefined,
  { keepInputs, keepOutputs, keepFree, quota }: Options,
): string {
  const age = (said: number | 'never' | undefined) => (typeof said === 'number' ? daysWords(said) : said);
  const size = (said: number | 'none' | undefined) => (typeof said === 'number' ? bytesWords(said) : said);
  const said: Record<string, string | undefined> = {
    to: place ? placeWords({ id: '', ...place, endpoint: null }) : where === 'disk' ? 'the disk' : undefined,
    keep_inputs: age(keepInputs),
    keep_outputs: age(keepOutputs),
    keep_free: size(keepFree),
    quota: size(quota),
  };
  return Object.entries(said)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}`))
    .join(', ');
}

async function show(context: Context, settings: Settings): Promise<number> {
  const { out } = context;
  const home = openFleetHome(context.home());
  const now = await settings.read();
  const [standing, disk, people] = await Promise.all([
    storageStanding(home),
    diskOf(home),
    usageOf(new JobStore(home)),
  ]);
  if (out.isJson) {
    const { bucket = null, waiting, trouble } = standing;
    const { keepInputsMs, keepOutputsMs } = now;
    out.json({ bucket, waiting, trouble, keepInputsMs, keepOutputsMs, disk, people });
    return 0;
  }
  for (const line of [...standingLines(standing), ...keptLines(now, disk)]) out.line(line);
  const cells = people.map(({ name, jobs, files, onDisk, inBuckets, sent }) => [
    name,
    String(jobs),
    String(files),
    bytesWords(onDisk),
    bytesWords(inBuckets),
    bytesWords(sent),
  ]);
  const head = ['NAME', 'JOBS', 'FILES', 'ON DISK', 'IN BUCKETS', 'SENT'];
  if (cells.length > 0) out.line(table(head, cells, out.screen));
  return 0;
}

async function install(context: Context): Promise<number> {
  const { out, signal } = context;
  const folder = libraryFolder(context.home());
  out.say(storageText.installing());
  await installLibrary(folder, signal);
  if (out.isJson) out.json({ path: folder });
  else out.line(storageText.installed(folder));
  return 0;
}
