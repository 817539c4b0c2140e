import { arrange, byId, element, say, tone } from './elements.js';

/** Rows by subject, changed in place. */
const rows = new Map();
let revealed = '';

/** The list of pods and tunnels; what is past and stands under no pod is tucked away. */
export function showSubjects(model, onChoose) {
  const { subjects, selected } = model;
  const ids = new Set(subjects.map(({ id }) => id));
  for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
  const past = subjects.filter(isTuckedAway);
  const items = (some) => some.map((subject) => rowOf(subject, model, onChoose));
  arrange(byId('subjects'), items(subjects.filter((subject) => !isTuckedAway(subject))));
  arrange(byId('past-subjects'), items(past));
  byId('past').hidden = past.length === 0;
  say(byId('past-count'), `past: ${past.length}`);
  const isHidden = past.some(({ id }) => id === selected);
  if (revealed === `${selected} ${isHidden}`) return;
  revealed = `${selected} ${isHidden}`;
  if (isHidden) byId('past').open = true;
  reveal(rows.get(selected));
}

function isTuckedAway({ isPast, under }) {
  return isPast && under === null;
}

function rowOf(subject, model, onChoose) {
  if (!rows.has(subject.id)) rows.set(subject.id, newRow(subject.id, onChoose));
  const row = rows.get(subject.id);
  const [button] = row.children;
  const [kind, name, pill] = button.children;
  const { state } = model.viewOf(subject);
  const what = subject.id.split('/')[0];
  const classes = ['subject', what, subject.under && 'under', subject.isPast && 'past'];
  set(button, 'className', classes.filter(Boolean).join(' '));
  if (subject.id === model.selected) button.setAttribute('aria-current', 'true');
  else button.removeAttribute('aria-current');
  say(kind, subject.kind);
  say(name, subject.title);
  set(pill, 'className', `pill ${tone(state)}`);
  say(pill, state ?? 'not begun');
  return row;
}

function newRow(id, onChoose) {
  const parts = [1, 2, 3].map(() => element('span'));
  const button = element('button', { type: 'button', onclick: () => onChoose(id) }, ...parts);
  const [kind, name] = parts;
  kind.className = 'kind';
  name.className = 'name';
  button.dataset.subject = id;
  return element('li', {}, button);
}

function set(target, property, value) {
  if (target[property] !== value) target[property] = value;
}

/** Scrolls the list, and only it, to the row. */
function reveal(row) {
  if (!row) return;
  for (const box of [row.closest('ul'), row.closest('nav')]) {
    const [inner, outer] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
    box.scrollBy({
      left: beyond(inner.left, inner.right, outer.left, outer.right),
      top: beyond(inner.top, inner.bottom, outer.top, outer.bottom),
    });
  }
}

function beyond(start, end, from, to) {
  if (start < from) return start - from;
  return end > to ? end - to : 0;
}
