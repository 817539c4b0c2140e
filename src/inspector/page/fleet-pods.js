import { arrange, byId, clock, duration, element, say } from './elements.js';

/** Rows by launch, changed in place. */
const rows = new Map();

/** The pods, what they cost and for whom, and what this person may do with them. */
export function showPods(pods, me, onAsk) {
  const ids = new Set(pods.map(({ launchId }) => launchId));
  for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
  arrange(
    byId('pods'),
    pods.map((pod) => rowOf(pod, me, onAsk)),
  );
  byId('no-pods').hidden = pods.length > 0;
  say(byId('money'), moneyOf(pods));
}

function rowOf(pod, me, onAsk) {
  const text = JSON.stringify([pod, me.role]);
  const known = rows.get(pod.launchId);
  if (known?.dataset.text === text) return known;
  const cells = [
    element('th', { scope: 'row' }, pod.name),
    cell(pod.owner),
    cell(statusOf(pod)),
    cell(pod.gpu ? `${pod.gpuCount}x ${pod.gpu.replace(/^NVIDIA (GeForce )?/, '')}` : '–'),
    cell(pod.uptimeSeconds > 0 ? duration(pod.uptimeSeconds * 1000) : '–'),
    cell(stopsOf(pod)),
    cell(`${pod.isSpentAtLeast ? 'at least ' : ''}${usd(pod.spent)}`, 'amount'),
    cell(usd(pod.costPerHour), 'amount'),
    element('td', {}, ...buttonsOf(pod, me, onAsk)),
  ];
  const row = known ?? element('tr');
  row.dataset.text = text;
  row.dataset.pod = pod.podId ?? pod.launchId;
  row.replaceChildren(...cells);
  rows.set(pod.launchId, row);
  return row;
}

function cell(words, className = '') {
  return element('td', { className }, words);
}

/** The gateway asks again who may; what is not there to press is not there to be refused. */
function buttonsOf(pod, { name, role }, onAsk) {
  if (role === 'viewer') return [];
  const button = (verb, words) =>
    element(
      'button',
      { type: 'button', onclick: () => onAsk(verb, pod), 'aria-label': `${words} ${pod.name}` },
      words,
    );
  const isStoppable = pod.podId !== null && !['stopped', 'stopping', 'terminating'].includes(pod.state);
  return [
    isStoppable && button('stop', 'Stop'),
    (role === 'admin' || pod.owner === name) && button('kill', 'Kill'),
  ].filter(Boolean);
}

function statusOf({ status, state, podId }) {
  if (status === null) return podId === null ? 'no pod yet' : state;
  return state === 'ready' ? status : `${status} (${state})`;
}

function stopsOf({ autoStop, stopAt }) {
  const at = autoStop?.stopAt ?? stopAt;
  const idle = autoStop?.idleMs ? `after ${duration(autoStop.idleMs)} without use` : '';
  const guard = autoStop?.guard?.state === 'armed' ? ' (guard armed)' : '';
  return ([at && `at ${clock(at)}`, idle].filter(Boolean).join(', or ') || '–') + guard;
}

function moneyOf(pods) {
  const rate = pods.reduce((sum, { costPerHour }) => sum + costPerHour, 0);
  const byOwner = new Map();
  for (const { owner, spent } of pods) byOwner.set(owner, (byOwner.get(owner) ?? 0) + spent);
  const shares = [...byOwner].map(([owner, spent]) => `${owner} ${usd(spent)}`);
  const spent = shares.length > 0 ? ` Spent with these pods: ${shares.join(', ')}.` : '';
  return `${usd(rate)} an hour now.${spent}`;
}

function usd(amount) {
  return `$${amount.toFixed(2)}`;
}
