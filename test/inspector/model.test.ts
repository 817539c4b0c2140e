import { expect, it } from 'vitest';

const { Model } = await import('../../src/inspector/page/model.js' as string);

const entry = (id: string, to: string, machine = 'pod@1') => ({
  at: `${to}`,
  machine,
  id,
  event: 'e',
  from: 'f',
  to,
});
const pod = (id: string, state: string) => ({
  id: `pod/${id}`,
  machine: 'pod@1',
  title: id,
  state,
  since: '',
});
const tunnel = (id: string, state: string) => ({
  id: `tunnel/${id}`,
  machine: 'tunnel@1',
  title: id,
  state,
  since: '',
});
const look = (subjects: object[], entries: object[], isWhole = false) => ({
  isWhole,
  entries,
  subjects,
  notices: [],
  keeper: null,
});

/** What the page would show, event after event. */
function played(model: {
  playOn(): boolean;
  viewOf(subject: object): { state: string };
  subject: object;
}): string[] {
  const seen: string[] = [];
  while (model.playOn()) seen.push(model.viewOf(model.subject).state);
  return [...seen, model.viewOf(model.subject).state];
}

it('what has been is not played again, what comes in is, one event after the other', () => {
  const model = new Model();
  model.take(look([pod('a', 'booting')], [entry('a', 'creating'), entry('a', 'booting')], true));
  expect(played(model)).toEqual(['booting']);
  model.take(look([pod('a', 'ready')], [entry('a', 'startingComfyUI'), entry('a', 'ready')]));
  expect(played(model)).toEqual(['startingComfyUI', 'ready', 'ready']);
});

it('a pod that comes up is followed from its beginning, unless another one was chosen', () => {
  const model = new Model();
  model.take(look([], [], true));
  model.take(look([pod('a', 'booting')], [entry('a', 'creating'), entry('a', 'booting')]));
  expect([model.selected, ...played(model)]).toEqual(['pod/a', 'creating', 'booting', 'booting']);
  model.take(look([pod('a', 'booting'), pod('b', 'creating')], []));
  expect(model.selected).toBe('pod/b');
  model.choose('pod/a');
  model.take(look([pod('a', 'booting'), pod('b', 'creating'), pod('c', 'creating')], []));
  expect(model.selected).toBe('pod/a');
});

it('a step back holds for every subject, and new events do not disturb it', () => {
  const model = new Model();
  const subjects = [pod('a', 'ready'), tunnel('t', 'healthy')];
  const log = [entry('a', 'booting'), entry('t', 'healthy', 'tunnel@1'), entry('a', 'ready')];
  model.take(look(subjects, log, true));
  model.step(-1);
  model.step(-1);
  expect(model.viewOf(subjects[0]).state).toBe('booting');
  expect(model.viewOf(subjects[1]).state).toBe(null);
  model.take(look([pod('a', 'failed'), subjects[1] ?? {}], [entry('a', 'failed')]));
  expect(played(model)).toEqual(['booting']);
  model.step(1);
  expect(model.viewOf(model.subject).state).toBe('ready');
  model.choose('tunnel/t');
  expect(model.shownIndex).toBe(1);
  model.step(-1);
  expect(model.cursor).toBe(1);
  model.step(1);
  expect(model.isLive).toBe(true);
});

it('while the past is shown, what comes in is counted', () => {
  const model = new Model();
  model.take(look([pod('a', 'ready')], [entry('a', 'booting'), entry('a', 'ready')], true));
  model.take(look([pod('a', 'stopping')], [entry('a', 'stopping')]));
  expect(model.arrived).toBe(0);
  model.goTo(0);
  model.take(look([pod('a', 'stopped')], [entry('a', 'stopped')]));
  model.step(1);
  expect(model.arrived).toBe(1);
  model.goTo(null);
  expect(model.arrived).toBe(0);
});

it('a rotated journal keeps the place in the past, or goes back to now when it is gone', () => {
  const model = new Model();
  const log = [entry('a', 'creating'), entry('a', 'booting'), entry('a', 'ready')];
  model.take(look([pod('a', 'ready')], log, true));
  model.goTo(1);
  model.take(look([pod('a', 'ready')], log.slice(1), true));
  expect([model.cursor, model.viewOf(model.subject).state]).toEqual([0, 'booting']);
  model.take(look([pod('a', 'ready')], log.slice(2), true));
  expect(model.isLive).toBe(true);
});

it('very many events at once are not played at length', () => {
  const model = new Model();
  model.take(look([pod('a', 'booting')], [entry('a', 'booting')], true));
  model.take(
    look(
      [pod('a', 'x99')],
      Array.from({ length: 100 }, (_, n) => entry('a', `x${n}`)),
    ),
  );
  const seen = played(model);
  expect(seen.length).toBeLessThan(15);
  expect(seen.at(-1)).toBe('x99');
});
