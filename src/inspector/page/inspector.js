import { ChartView } from './chart.js';
import { byId, say } from './elements.js';
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

const source = new EventSource('events');
source.onopen = () => connection('live', true);
source.onerror = () => connection('not connected; is autopod inspect still running?', false);
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

function connection(words, isLive) {
  say(byId('connection'), words);
  byId('connection').classList.toggle('lost', !isLive);
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
setInterval(() => model.subject && model.isLive && showSince(model), 1000);
