import { showAdvice } from './advice.js';
import { byId, clock, duration, element, say, tone, withCode } from './elements.js';

export function showNotices({ notices }) {
  const words = notices.map(({ what, next }) => [what, next].filter(Boolean).join(' '));
  const box = byId('notices');
  if (box.dataset.words === words.join('\n')) return;
  box.dataset.words = words.join('\n');
  box.replaceChildren(...words.map((line) => element('p', { className: 'notice' }, ...withCode(line))));
}

const KINDS = { pod: 'Pod', launch: 'Launch', tunnel: 'Tunnel', guard: 'Guard', job: 'Job' };

/** What the selected subject does, since when, and what to do about it. */
export function showNow(model, chart) {
  const { subject } = model;
  const { state } = model.viewOf(subject);
  say(byId('title'), `${KINDS[subject.kind]} ${nameOf(subject)}`);
  const status = byId('status');
  say(status, state ?? 'not begun');
  status.className = `status pill ${tone(state)}`;
  say(byId('meaning'), chart.meaningOf(subject.machine, state));
  showSince(model);
  showAdvice(model, chart);
}

export function showSince(model) {
  const { state, since } = model.viewOf(model.subject);
  say(byId('since'), since === null ? '' : sinceWords(model, state, since));
}

function sinceWords({ isLive, subject }, state, since) {
  if (!isLive) return `as it stood at ${clock(since)}`;
  if (subject.isPast) return `was ${state} when last heard of, ${clock(since)}`;
  const elapsed = Date.now() - Date.parse(since);
  return Number.isNaN(elapsed) ? '' : `since ${clock(since)}, for ${duration(elapsed)}`;
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

function flattened(value, name = '') {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return value.length > 0 ? [[name, value.join(', ')]] : [];
  }
  if (typeof value === 'number') return [[name, name === 'launchedAt' ? clock(value) : rounded(value)]];
  if (typeof value !== 'object') return [[name, String(value)]];
  return Object.entries(value).flatMap(([key, item]) => flattened(item, name ? `${name}.${key}` : key));
}

/** A sum of many parts has many places. */
function rounded(number) {
  return String(Math.round(number * 10_000) / 10_000);
}
