import { ChartView } from './chart.js';
import { byId, clock, say } from './elements.js';
import { showLog, showMore } from './log.js';
import { Model } from './model.js';
import { showFacts, showNotices, showNow, showSince } from './panels.js';
import { showSubjects } from './subjects.js';
import { followTheme } from './theme.js';

/** Milliseconds each event that comes in is shown, so that quick ones can be seen. */
const PLAY_MS = 180;

const model = new Model();
const charts = await (await fetch('charts.json')).json();
const chart = new ChartView(byId('chart'), charts);

followTheme(byId('theme'));
if (fromHash()) model.choose(fromHash());
let isPlaying = false;

/** When the connection was lost; null while it stands. */
let lostAt = null;
const source = new EventSource('events');
source.onopen = () => connection(null);
source.onerror = () => connection(lostAt ?? new Date());
source.onmessage = ({ data }) => {
  model.take(JSON.parse(data));
  if (!isPlaying) play();
};

function play() {
  isPlaying = model.playOn();
  if (isPlaying) setTimeout(play, PLAY_MS);
  show();
}

function show() {
  showNotices(model);
  showSubjects(model, choose);
  const { subject } = model;
  byId('nothing').hidden = subject !== undefined;
  byId('subject').hidden = subject === undefined;
  byId('events').hidden = subject === undefined;
  if (!subject) return;
  const { state, event } = model.viewOf(subject);
  document.title = `${state ?? 'not begun'}: ${subject.title} · autopod inspector`;
  document.body.classList.toggle('in-past', !model.isLive);
  byId('live').setAttribute('aria-pressed', String(model.isLive));
  say(byId('live'), model.arrived > 0 ? `Now (${model.arrived} new)` : 'Now');
  showNow(model, chart);
  showLog(model, goTo);
  showFacts(model);
  chart.show(subject.machine, state, event);
}

function choose(id) {
  model.choose(id);
  history.replaceState(null, '', `#${encodeURI(id)}`);
  show();
}

function goTo(position) {
  model.goTo(position);
  show();
}

function step(by) {
  model.step(by);
  show();
  byId('log').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
}

function connection(since) {
  lostAt = since;
  say(byId('connection'), lostAt === null ? 'live' : `${lossWords()} Shown as it was at ${clock(lostAt)}.`);
  document.body.classList.toggle('lost', lostAt !== null);
}

// An address that is refused is not tried again: whoever serves there now has another key.
function lossWords() {
  return source.readyState === EventSource.CLOSED
    ? 'not connected: this inspector has ended; open the address that autopod inspect gives now.'
    : 'not connected; is autopod inspect still running?';
}

function fromHash() {
  const id = decoded(location.hash.slice(1));
  return /^(pod|tunnel)\//.test(id) ? id : null;
}

function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return ''; // whoever wrote this address did not encode it
  }
}

byId('earlier').onclick = () => step(-1);
byId('later').onclick = () => step(1);
byId('live').onclick = () => goTo(null);
byId('more').onclick = () => {
  showMore();
  show();
};
byId('fit').onclick = () => {
  const isFit = byId('chart').classList.toggle('fit');
  byId('fit').setAttribute('aria-pressed', String(isFit));
  chart.reveal();
};
addEventListener('hashchange', () => {
  const id = fromHash();
  if (id) choose(id);
});
addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || !model.subject) return;
  if (event.key === 'Escape') goTo(null);
  // In a focused chart the arrows scroll.
  if (event.target === byId('chart')) return;
  if (event.key === 'ArrowLeft') step(-1);
  else if (event.key === 'ArrowRight') step(1);
});
setInterval(() => model.subject && model.isLive && lostAt === null && showSince(model), 1000);
