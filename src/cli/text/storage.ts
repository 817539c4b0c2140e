import type { DiskStanding } from '../../fleet/storage/room.ts';
import { placeWords, type StorageSettings } from '../../fleet/storage/settings.ts';
import type { StorageStanding } from '../../fleet/storage/standing.ts';
import { FAILURE_WORDS } from './failures.ts';
import { momentOf } from './time.ts';
import { uptimeWords } from './uptime.ts';

const DAY_MS = 86_400_000;

/** Words of `autopod serve storage`. */
export const storageText = {
  installing: () => 'Having npm download the SDK of AWS for S3, about 25 MB.',
  installed: (folder: string) => `It is in ${folder}. Now: autopod serve storage s3://BUCKET`,
  nothingWithDisk: (option: string) => ({
    message: `${option} is about a bucket.`,
    next: 'Name it: autopod serve storage s3://BUCKET --endpoint https://…',
  }),
  movedFromDisk: (isMoved: boolean) =>
    isMoved
      ? 'What lies on the disk goes there as well.'
      : 'What lies on the disk already stays there, within reach; --move has it go there as well.',
  stays: () => 'What lies in a bucket stays there, within reach.',
};

/** Where files go, and what keeps them from it. */
export function standingLines({ bucket, waiting, trouble }: StorageStanding): string[] {
  if (!bucket) return ['What jobs make stays on the disk of the server.'];
  const words = trouble && FAILURE_WORDS[trouble.code](trouble.detail);
  return [
    `What jobs make goes to ${placeWords(bucket)}.`,
    ...(waiting.files > 0
      ? [
          `${files(waiting.files)} (${bytesWords(waiting.bytes)}) on the disk ${waiting.files === 1 ? 'has' : 'have'} yet to go there.`,
        ]
      : []),
    ...(words
      ? [
          [`Since ${momentOf(new Date(trouble.since))}: ${words.what}`, words.why, words.next]
            .filter(Boolean)
            .join(' '),
        ]
      : []),
  ];
}

/** How long files are kept, and how much room there is for them. */
export function keptLines(
  { keepInputsMs, keepOutputsMs }: StorageSettings,
  { free, keepFree, used, quota }: DiskStanding & { used: number },
): string[] {
  return [
    `Files that were sent are kept ${keptWords(keepInputsMs, 'no job has needed them')}, what jobs make ${keptWords(keepOutputsMs, 'the job has ended')}.`,
    `The disk has ${bytesWords(free)} free, of which ${bytesWords(keepFree)} are to stay so; files of jobs have ${bytesWords(used)}${quota === null ? '' : ` of ${bytesWords(quota)}`}.`,
  ];
}

/** `30 days`, or as other durations. */
export function daysWords(ms: number): string {
  const days = ms / DAY_MS;
  if (!Number.isInteger(days)) return uptimeWords(ms / 1000);
  return days === 1 ? 'a day' : `${days} days`;
}

/** `1.2 GB`. */
export function bytesWords(bytes: number): string {
  if (bytes >= 1e12) return `${(bytes / 1e12).toFixed(1)} TB`;
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function keptWords(ms: number | null, since: string): string {
  return ms === null ? 'for ever' : `for ${daysWords(ms)} after ${since}`;
}

function files(count: number): string {
  return count === 1 ? 'One file' : `${count} files`;
}
