import { byId, clock, element, withCode } from './elements.js';

/** Why it is where it is, and what to do about it. */
export function showAdvice(model, chart) {
  const advice = [failureOf(model), waitOf(model, chart)].filter(Boolean);
  const words = advice.map(({ textContent }) => textContent).join('\n');
  if (byId('advice').dataset.words === words) return;
  byId('advice').dataset.words = words;
  byId('advice').replaceChildren(...advice);
}

function failureOf({ subject, isLive }) {
  const { failure } = subject;
  if (!failure || !isLive) return undefined;
  const { what, why, next } = failure.words;
  return element(
    'div',
    { className: 'failure' },
    element('p', {}, element('strong', {}, ...withCode(what))),
    why && line(why),
    next && line(`→ ${next}`),
    element('p', { className: 'quiet' }, failure.code),
  );
}

function waitOf(model, chart) {
  const { subject, isLive } = model;
  const { state, event } = model.viewOf(subject);
  if (!isLive) return event?.reason ? box(line(`${event.event}: ${event.words ?? event.reason}`)) : undefined;
  if (state === null || subject.isPast) return undefined;
  if (subject.id.startsWith('tunnel/') && model.keeper === null)
    return idle(
      line('The background process that holds the tunnels does not run. The next autopod command starts it.'),
    );
  if (chart.isResting(subject.machine, state)) return undefined;
  if (subject.driver === null)
    return idle(
      line(`No autopod is working on it. Continue with \`autopod up ${subject.podId ?? subject.title}\`.`),
      ...candidatesOf(subject),
    );
  return box(
    line(progressOf(subject)),
    ...candidatesOf(subject),
    ...nextOf(chart.waysFrom(subject.machine, state)),
  );
}

function progressOf({ driver, until, facts: { attempt } }) {
  const isUntil = until ? `, until ${clock(until)} at the latest` : '';
  const attempts = attempt ? ` Attempt ${attempt} since it was last healthy.` : '';
  return `Process ${driver} is working on it${isUntil}.${attempts}`;
}

function candidatesOf({ candidates }) {
  if (candidates.length === 0) return [];
  const items = candidates.map(({ words, refusal, isCurrent }) => {
    const fate = refusal ? `refused: ${refusal}` : isCurrent ? 'being asked for' : 'not tried yet';
    return element('li', {}, element('strong', {}, words), ` – ${fate}`);
  });
  return [line('Where it may be placed:'), element('ol', {}, ...items)];
}

function nextOf(ways) {
  const items = ways.map(({ to, words }) =>
    element('li', {}, element('strong', {}, to), ` ${words.join(', or ')}`),
  );
  return [line('What comes next:'), element('ul', {}, ...items)];
}

function box(...children) {
  return element('div', { className: 'wait' }, ...children);
}

/** For what waits without anybody at it. */
function idle(...children) {
  return element('div', { className: 'wait idle' }, ...children);
}

function line(words) {
  return element('p', {}, ...withCode(words));
}
