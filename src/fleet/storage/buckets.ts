import { join, relative, sep } from 'node:path';
import { AutopodError } from '../../errors.ts';
import type { JobFacts } from '../../machines/job-types.ts';
import type { Home } from '../../store/home.ts';
import { Bucket } from './bucket.ts';
import { libraryFolder, requireLibrary } from './library.ts';
import type { BucketPlace, StorageSettings } from './settings.ts';

/** The buckets that a fleet's files lie in, each opened when it is first needed, and anew once it is entered otherwise. */
export class Buckets {
  readonly #user: Pick<Home, 'root'>;
  readonly #open = new Map<string, { entered: string; bucket: Promise<Bucket> }>();

  /** `user` is the home that the SDK is installed in. */
  constructor(user: Pick<Home, 'root'>) {
    this.#user = user;
  }

  /** Throws `storageMissing`, and `usage` where its credentials cannot be used. */
  async at(place: BucketPlace): Promise<Bucket> {
    const entered = JSON.stringify(place);
    const known = this.#open.get(place.id);
    if (known?.entered === entered) return known.bucket;
    const bucket = Bucket.open(place, requireLibrary(libraryFolder(this.#user)));
    this.#open.set(place.id, { entered, bucket });
    bucket.catch(() => this.#open.delete(place.id));
    return bucket;
  }

  /** The one that something says it lies in. Throws `outputGone` for one that nobody knows of. */
  async named(id: string, { buckets }: StorageSettings): Promise<Bucket> {
    const place = buckets.find((one) => one.id === id);
    if (!place) throw new AutopodError('outputGone', { filename: `a file in bucket ${id}` });
    return this.at(place);
  }

  /** Enters anew, as after credentials were changed. */
  forget(): void {
    this.close();
    this.#open.clear();
  }

  close(): void {
    for (const { bucket } of this.#open.values()) {
      bucket.then(
        (open) => open.close(),
        () => undefined, // it was never open
      );
    }
  }
}

/** The key of a job's file, the same each time. */
export function keyOf(
  { prefix }: BucketPlace,
  { fleet }: StorageSettings,
  { out, batchId, jobId }: Pick<JobFacts, 'out' | 'batchId' | 'jobId'>,
  path: string,
): string {
  const name = relative(out, path).split(sep);
  return join(...[prefix, fleet, batchId, jobId, ...name].filter(Boolean)).replaceAll(sep, '/');
}
