/** An element with properties and children; words are only ever text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in made && !name.startsWith('aria-')) made[name] = value;
    else made.setAttribute(name, value === true ? 'true' : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets text only when it differs, so that a screen reader is not told the same again. */
export function say(target, words) {
  if (target.textContent !== words) target.textContent = words;
}

/** Words whose commands stand in backticks. */
export function withCode(words) {
  return words.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
}

const TIME = new Intl.DateTimeFormat([], { timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat([], { dateStyle: 'short' });

/** A time of day, with the date unless it is today's. */
export function clock(at) {
  const when = new Date(at);
  if (Number.isNaN(when.getTime())) return String(at);
  const isToday = when.toDateString() === new Date().toDateString();
  return isToday ? TIME.format(when) : `${DATE.format(when)} ${TIME.format(when)}`;
}

/** `0.4 s`, `24 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms) {
  if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/**
 * Makes these the children of a list. A child that is there already is left as it is: a click on one that is
 * replaced between mousedown and mouseup is lost.
 */
export function arrange(list, items) {
  const { activeElement } = document;
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
  // One that was moved has lost the focus.
  if (activeElement !== document.activeElement && list.contains(activeElement)) activeElement.focus();
}

/** What colour a state has, beside its word. */
export function tone(state) {
  if (state === 'failed') return 'bad';
  if (state === 'dead' || state === 'waitingForPod' || state === 'refused') return 'weak';
  if (state === 'ready' || state === 'healthy' || state === 'armed') return 'good';
  return state === null || ['stopped', 'terminated', 'unknown'].includes(state) ? 'rest' : 'busy';
}
