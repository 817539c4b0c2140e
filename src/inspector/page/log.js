import { byId, clock, element } from './elements.js';
import { replaceKeepingFocus, tone } from './panels.js';

const PAGE = 200;
let limit = PAGE;
let shown = '';

/** The selected subject's events, latest first; choosing one goes back to it. */
export function showLog(model, onGoTo) {
  const events = model.events;
  const current = model.shownIndex;
  const fromEnd = events.length - events.findIndex(({ index }) => index === current);
  if (current !== undefined && fromEnd > limit) limit = fromEnd + PAGE;
  const version = [model.selected, events.length, events.at(-1)?.at, current, limit].join();
  if (version === shown) return;
  shown = version;
  const items = events
    .slice(-limit)
    .toReversed()
    .map((entry) => element('li', {}, row(entry, entry.index === current, onGoTo)));
  replaceKeepingFocus(byId('log'), items, 'index');
  byId('more').hidden = events.length <= limit;
}

export function showMore() {
  limit += PAGE;
}

function row({ at, event, from, to, reason, index }, isCurrent, onGoTo) {
  const button = element(
    'button',
    {
      type: 'button',
      title: at,
      'aria-current': isCurrent ? 'step' : undefined,
      onclick: () => onGoTo(index),
    },
    element('time', { dateTime: at }, clock(at)),
    element('span', { className: `pill ${tone(to)}` }, to),
    element('span', { className: 'cause' }, `${event} from ${from}`),
    reason ? element('span', { className: 'reason' }, reason) : null,
  );
  button.dataset.index = index;
  return button;
}
