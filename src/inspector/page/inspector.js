import { ChartView } from './chart.js';
import { byId, clock, say } from './elements.js';
import { Model } from './model.js';
import { showSince } from './panels.js';
import { Player } from './player.js';
import { followTheme } from './theme.js';

const model = new Model();
const charts = await (await fetch('charts.json')).json();
const chart = new ChartView(byId('chart'), charts);
const player = new Player(model, chart, {
  onShow: (subject, state) => {
    document.title = `${state ?? 'not begun'}: ${subject.title} · autopod inspector`;
    say(byId('live'), model.arrived > 0 ? `Now (${model.arrived} new)` : 'Now');
  },
  onChoose: (id) => history.replaceState(null, '', `#${encodeURI(id)}`),
});

followTheme(byId('theme'));
if (fromHash()) model.choose(fromHash());

/** When the connection was lost; null while it stands. */
let lostAt = null;
const source = new EventSource('events');
source.onopen = () => connection(null);
source.onerror = () => connection(lostAt ?? new Date());
source.onmessage = ({ data }) => player.take(JSON.parse(data));

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

byId('fit').onclick = () => {
  const isFit = byId('chart').classList.toggle('fit');
  byId('fit').setAttribute('aria-pressed', String(isFit));
  chart.reveal();
};
addEventListener('hashchange', () => {
  const id = fromHash();
  if (id) player.choose(id);
});
addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || !model.subject) return;
  if (event.key === 'Escape') player.goTo(null);
  // In a focused chart the arrows scroll.
  if (event.target === byId('chart')) return;
  if (event.key === 'ArrowLeft') player.step(-1);
  else if (event.key === 'ArrowRight') player.step(1);
});
setInterval(() => model.subject && model.isLive && lostAt === null && showSince(model), 1000);
