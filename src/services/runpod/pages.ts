import { AutopodError } from '../../errors.ts';

/** One page of a list as RunPod cuts it; without a `pagination` block it is the last. */
interface Page {
  pagination?: { nextCursor?: string | null | undefined; hasNextPage: boolean } | null | undefined;
}

/**
 * Every page from the first on, until RunPod says that none follows: a page may be short, or empty, before the end.
 * Throws `apiAnswerUnexpected` where the pages lead nowhere or in a circle, for a part is not to be taken for the whole.
 */
export async function allPages<T extends Page>(read: (query: string) => Promise<T>): Promise<T[]> {
  const pages: T[] = [];
  const followed = new Set<string>();
  for (let query = ''; ; ) {
    const page = await read(query);
    pages.push(page);
    if (!page.pagination?.hasNextPage) return pages;
    const cursor = page.pagination.nextCursor;
    if (!cursor || followed.has(cursor)) {
      const detail = cursor ? 'repeats an earlier one' : 'is missing though a page follows';
      throw new AutopodError('apiAnswerUnexpected', { detail: `pagination.nextCursor: ${detail}` });
    }
    followed.add(cursor);
    query = `?${new URLSearchParams({ cursor })}`;
  }
}
