import { describe, expect, it } from 'vitest';
import { laterThan, twinsOf } from '../../../src/services/runpod/launches.ts';
import type { Pod } from '../../../src/services/runpod/shapes.ts';

const pod = (id: string, minute: number | undefined, name = 'mine'): Pod => ({
  id,
  name,
  status: 'RUNNING',
  ...(minute !== undefined && { createdAt: new Date(minute * 60_000).toISOString() }),
});
const kept = pod('kept', 100);
const launch = { unansweredCreates: 1, wish: { name: 'mine' } };
const told = (others: Pod[], unansweredCreates = 1) => {
  const found = twinsOf(kept, [kept, ...others], { ...launch, unansweredCreates });
  return [found.twins.map(({ id }) => id), found.others.map(({ id }) => id)];
};

describe('a twin is what a lost create has made, and in doubt there is none', () => {
  it.each<[title: string, other: Pod, isTwin: boolean]>([
    ['made a minute later', pod('a', 101), true],
    ['made four minutes before', pod('a', 96), true],
    ['made six minutes later', pod('a', 106), false],
    ['made a day before', pod('a', 100 - 24 * 60), false],
    ['of another name', pod('a', 101, 'copy'), false],
    ['without a time', pod('a', undefined), false],
    ['with a time that is none', { ...pod('a', 101), createdAt: 'yesterday' }, false],
  ])('%s', (_title, other, isTwin) => {
    expect(told([other])).toEqual(isTwin ? [['a'], []] : [[], ['a']]);
  });

  it('none without a lost create, none where more could be than were lost', () => {
    const both = [pod('a', 101), pod('b', 102)];
    expect(told([pod('a', 101)], 0)).toEqual([[], ['a']]);
    expect(told(both, 1)).toEqual([[], ['a', 'b']]);
    expect(told(both, 2)).toEqual([['a', 'b'], []]);
  });
});

it('later are the pods made after one, the newest first', () => {
  const made = [pod('earlier', 90), kept, pod('later', 110), pod('latest', 120)];
  expect(laterThan('kept', made).map(({ id }) => id)).toEqual(['latest', 'later']);
  expect(laterThan('gone', [pod('later', 110)]).map(({ id }) => id)).toEqual(['later']);
});
