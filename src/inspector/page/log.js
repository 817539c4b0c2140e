import { arrange, byId, clock, element, say, tone } from './elements.js';

const PAGE = 200;
let limit = PAGE;
let shown = '';
/** What the rows are of, and the rows by their position in the log. */
let rowsOf = '';
let rows = new Map();

/** The selected subject's events, latest first; choosing one goes back to it. */
export function showLog(model, onGoTo) {
  const events = model.events;
  const current = model.shownIndex;
  const fromEnd = events.length - events.findIndex(({ index }) => index === current);
  if (current !== undefined && fromEnd > limit) limit = fromEnd + PAGE;
  const source = `${model.selected} ${model.wholes}`;
  const version = [source, events.length, current, limit].join();
  if (version === shown) return;
  shown = version;
  if (source !== rowsOf) rows = new Map();
  rowsOf = source;
  const items = events
    .slice(-limit)
    .toReversed()
    .map((entry) => rowOf(entry, entry.index === current, onGoTo));
  arrange(byId('log'), items);
  say(byId('no-events'), events.length === 0 ? 'The journal has none of it.' : '');
  byId('more').hidden = events.length <= limit;
}

export function showMore() {
  limit += PAGE;
}

function rowOf(entry, isCurrent, onGoTo) {
  if (!rows.has(entry.index)) rows.set(entry.index, newRow(entry, onGoTo));
  const row = rows.get(entry.index);
  if (isCurrent) row.firstElementChild.setAttribute('aria-current', 'step');
  else row.firstElementChild.removeAttribute('aria-current');
  return row;
}

function newRow({ at, event, from, to, reason, words, index }, onGoTo) {
  const button = element(
    'button',
    { type: 'button', title: at, onclick: () => onGoTo(index) },
    element('time', { dateTime: at }, clock(at)),
    element('span', { className: `pill ${tone(to)}` }, to),
    element('span', { className: 'cause' }, `${event} from ${from}`),
    reason ? element('span', { className: 'reason' }, words ?? reason) : null,
  );
  return element('li', {}, button);
}
