import { ChartView } from './chart.js';
import { byId, clock, say } from './elements.js';
import { confirmed } from './fleet-confirm.js';
import { showPods } from './fleet-pods.js';
import { ask, codeInAddress, enterWith, forget, hasToken, logIn, looks } from './fleet-way.js';
import { Model } from './model.js';
import { showSince } from './panels.js';
import { Player } from './player.js';
import { followTheme } from './theme.js';

/** Milliseconds between two looks at what RunPod says of the pods, and before a stream that broke is asked for again. */
const PODS_MS = 15_000;
const AGAIN_MS = 2_000;
/** Milliseconds a stop or an end has. */
const ASK_MS = 10 * 60_000;

const model = new Model();
const chart = new ChartView(byId('chart'), await (await fetch('charts.json')).json());
const player = new Player(model, chart);
let me = null;
let watching = null;

followTheme(byId('theme'));
// What scrolls must be reachable by keyboard.
byId('table').tabIndex = 0;

async function refresh() {
  try {
    const { pods } = await ask('/v1/pods');
    if (me) showPods(pods, me, onAsk);
  } catch (error) {
    if (error.isOut) leave();
  }
}

function onAsk(verb, pod) {
  confirmed(verb, pod, async () => {
    await ask(`/v1/pods/${pod.podId ?? pod.launchId}/${verb}`, { timeoutMs: ASK_MS });
    await refresh();
  });
}

function enter(person) {
  me = person;
  byId('sign-in').hidden = true;
  byId('fleet').hidden = false;
  byId('leave').hidden = false;
  watching = new AbortController();
  void follow(watching.signal);
}

async function follow(signal) {
  let lostAt = null;
  const tell = () => {
    const words =
      lostAt === null
        ? `live, as ${me.name} (${me.role})`
        : `not connected. Shown as it was at ${clock(lostAt)}.`;
    say(byId('connection'), words);
    document.body.classList.toggle('lost', lostAt !== null);
  };
  const take = (look) => {
    lostAt = null;
    tell();
    player.take(look);
    if (look.entries.length > 0) void refresh();
  };
  void refresh();
  const every = setInterval(refresh, PODS_MS);
  signal.addEventListener('abort', () => clearInterval(every));
  while (!signal.aborted) {
    const isOut = await looks(take, signal).then(
      () => false,
      (error) => error.isOut === true,
    );
    if (signal.aborted) return;
    if (isOut) return leave();
    lostAt ??= new Date();
    tell();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function leave() {
  forget();
  watching?.abort();
  // What was seen goes with it.
  location.reload();
}

byId('sign-in').onsubmit = async (event) => {
  event.preventDefault();
  const field = byId('token');
  const pasted = field.value;
  field.value = '';
  try {
    enter(await logIn(pasted));
  } catch (error) {
    say(byId('sign-in-failure'), error.message);
  }
};
byId('leave').onclick = leave;
setInterval(() => model.subject && model.isLive && showSince(model), 1000);

// A link that is opened in a tab that has the page already changes only what comes after the #.
window.addEventListener('hashchange', () => location.hash.startsWith('#apc_') && location.reload());

function signIn(failure) {
  byId('sign-in').hidden = false;
  if (failure) say(byId('sign-in-failure'), failure.message);
  byId('token').focus();
}

const code = codeInAddress();
if (code !== null) await enterWith(code).then(enter, signIn);
else if (hasToken()) await ask('/v1/me').then(enter, () => leave());
else signIn();
