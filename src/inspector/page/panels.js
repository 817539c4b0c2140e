import { byId, clock, duration, element, say } from './elements.js';

/** The list of pods and tunnels. */
export function showSubjects(model, onChoose) {
  const items = model.subjects.map((subject) => {
    const { state } = model.viewOf(subject);
    const kind = subject.id.split('/')[0];
    const button = element(
      'button',
      {
        type: 'button',
        className: `subject ${kind}${subject.isPast ? ' past' : ''}`,
        'aria-current': subject.id === model.selected ? 'true' : undefined,
        onclick: () => onChoose(subject.id),
      },
      element('span', { className: 'kind' }, kind),
      element('span', { className: 'name' }, subject.title),
      element('span', { className: `pill ${tone(state)}` }, state ?? 'not begun'),
    );
    button.dataset.subject = subject.id;
    return element('li', {}, button);
  });
  replaceKeepingFocus(byId('subjects'), items, 'subject');
}

export function showNotices({ notices }) {
  const words = notices.map(({ what, next }) => [what, next].filter(Boolean).join(' '));
  const box = byId('notices');
  if (box.dataset.words === words.join('\n')) return;
  box.dataset.words = words.join('\n');
  box.replaceChildren(...words.map((line) => element('p', { className: 'notice' }, line)));
}

/** What the selected subject does, since when, and what to do about it. */
export function showNow(model, chart) {
  const { subject } = model;
  const { state } = model.viewOf(subject);
  say(byId('title'), `${subject.id.startsWith('pod/') ? 'Pod' : 'Tunnel'} ${nameOf(subject)}`);
  const status = byId('status');
  say(status, state ?? 'not begun');
  status.className = `status pill ${tone(state)}`;
  say(byId('meaning'), chart.meaningOf(subject.machine, state));
  showSince(model);
  const advice = [failureOf(model), waitOf(model, chart)].filter(Boolean);
  const words = advice.map(({ textContent }) => textContent).join('\n');
  if (byId('advice').dataset.words === words) return;
  byId('advice').dataset.words = words;
  byId('advice').replaceChildren(...advice);
}

export function showSince(model) {
  const { since } = model.viewOf(model.subject);
  const elapsed = since ? duration(Date.now() - Date.parse(since)) : '';
  const words = model.isLive
    ? `since ${clock(since ?? 0)}, for ${elapsed}`
    : `as it stood at ${clock(since ?? 0)}`;
  say(byId('since'), since ? words : '');
}

/** The context as it is kept, one line a value. */
export function showFacts({ subject, isLive }) {
  const rows = flattened(subject.facts);
  const text = JSON.stringify(rows);
  const note =
    rows.length === 0
      ? 'No record is kept of it any more.'
      : 'As it is now; the journal keeps states, not contexts.';
  say(byId('facts-note'), rows.length > 0 && isLive ? '' : note);
  const list = byId('facts');
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );
}

function nameOf({ title, podId }) {
  return podId && podId !== title ? `${title} (${podId})` : title;
}

function failureOf({ subject, isLive }) {
  const { failure } = subject;
  if (!failure || !isLive) return undefined;
  const { what, why, next } = failure.words;
  return element(
    'div',
    { className: 'failure' },
    element('p', {}, element('strong', {}, what)),
    why && element('p', {}, why),
    next && element('p', {}, `→ ${next}`),
    element('p', { className: 'quiet' }, failure.code),
  );
}

// Why it stays where it is: what it waits for, or that nobody is at it.
function waitOf(model, chart) {
  const { subject, isLive } = model;
  const { state, event } = model.viewOf(subject);
  if (!isLive) return event?.reason ? line(`${event.event}: ${event.reason}`) : undefined;
  if (state === null || subject.isPast) return undefined;
  if (subject.id.startsWith('tunnel/') && model.keeper === null)
    return line(
      'The background process that holds the tunnels does not run. The next autopod command starts it.',
    );
  if (chart.isResting(subject.machine, state)) return undefined;
  if (subject.driver === null)
    return line(`No autopod is at it now. Go on with: autopod up ${subject.podId ?? subject.id.slice(4)}`);
  const ways = chart
    .waysFrom(subject.machine, state)
    .map(({ labels, to }) => `${labels.join(' or ')} → ${to}`);
  return line(`Process ${subject.driver} is at it. What ends this state: ${ways.join('; ')}.`);
}

function line(words) {
  return element('p', { className: 'wait' }, words);
}

function flattened(value, name = '') {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return value.length > 0 ? [[name, value.join(', ')]] : [];
  }
  if (typeof value !== 'object') return [[name, name === 'launchedAt' ? clock(value) : String(value)]];
  return Object.entries(value).flatMap(([key, item]) => flattened(item, name ? `${name}.${key}` : key));
}

/** What colour a state has, beside its word. */
export function tone(state) {
  if (state === 'failed') return 'bad';
  if (state === 'dead' || state === 'waitingForPod') return 'weak';
  if (state === 'ready' || state === 'healthy') return 'good';
  return state === null || ['stopped', 'terminated', 'unknown'].includes(state) ? 'rest' : 'busy';
}

export function replaceKeepingFocus(list, items, name) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset[name] : undefined;
  list.replaceChildren(...items);
  if (focused !== undefined) list.querySelector(`[data-${name}="${CSS.escape(focused)}"]`)?.focus();
}
