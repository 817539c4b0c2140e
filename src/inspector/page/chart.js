/** The statechart of one machine: lights its states and marks the last transition. */
export class ChartView {
  #frame;
  #charts;
  #machine = null;
  #svg = null;
  #state = null;
  /** Drawn, and not scrolled yet. */
  #isFresh = false;

  constructor(frame, charts) {
    this.#frame = frame;
    // What scrolls must be reachable by keyboard.
    frame.tabIndex = 0;
    new ResizeObserver(() => this.reveal()).observe(frame);
    this.#charts = charts;
  }

  meaningOf(machine, state) {
    return this.#stateOf(machine, state)?.description ?? '';
  }

  isResting(machine, state) {
    return this.#stateOf(machine, state)?.isResting ?? true;
  }

  /** Where a state leads, and when. */
  waysFrom(machine, state) {
    const lineage = withParents(state);
    const { edges = [] } = this.#charts[machine] ?? {};
    return edges
      .filter(({ from }) => lineage.includes(from))
      .map(({ to, ways }) => ({ to, words: [...new Set(ways.map(({ words }) => words))] }));
  }

  show(machine, state, event) {
    if (machine !== this.#machine) this.#draw(machine);
    if (!this.#svg) return;
    const lineage = state === null ? [] : withParents(state);
    for (const box of this.#svg.querySelectorAll('[data-state]')) {
      box.classList.toggle('lit', lineage.includes(box.dataset.state));
    }
    const last = event && this.#edgeOf(machine, event);
    for (const arrow of this.#svg.querySelectorAll('.transition')) {
      const isLast = arrow.dataset.from === last?.from && arrow.dataset.to === last?.to;
      arrow.classList.toggle('last', isLast);
      for (const text of arrow.querySelectorAll('text')) {
        text.classList.toggle('other', isLast && isAnother(event.event, last, text.textContent));
      }
      arrow.querySelector('path')?.setAttribute('marker-end', isLast ? 'url(#arrow-last)' : 'url(#arrow)');
    }
    this.#svg.setAttribute(
      'aria-label',
      `${machine}: ${state ?? 'not begun'}. ${this.meaningOf(machine, state)}`,
    );
    if (state !== this.#state || this.#isFresh) this.reveal();
    this.#state = state;
    this.#isFresh = false;
  }

  #draw(machine) {
    this.#machine = machine;
    this.#state = null;
    this.#isFresh = true;
    const text = this.#charts[machine]?.svg;
    if (!text) {
      this.#svg = null;
      this.#frame.replaceChildren(`There is no picture of ${machine}.`);
      return;
    }
    const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
    this.#svg = document.importNode(documentElement, true);
    const marker = this.#svg.querySelector('marker').cloneNode(true);
    marker.id = 'arrow-last';
    // A head grows with its line.
    for (const size of ['markerWidth', 'markerHeight']) marker.setAttribute(size, '4.5');
    this.#svg.querySelector('defs').append(marker);
    for (const arrow of this.#svg.querySelectorAll('.transition')) arrow.append(this.#wordsOf(arrow.dataset));
    this.#svg.style.setProperty('--natural-width', `${this.#svg.getAttribute('width')}px`);
    this.#frame.replaceChildren(this.#svg);
  }

  /** What leads along an arrow, in words, for whoever points at it. */
  #wordsOf({ from, to }) {
    const { edges, anywhere } = this.#charts[this.#machine];
    const { ways } = (from ? edges : anywhere).find((edge) => edge.from === from && edge.to === to);
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    title.textContent = `${to} ${[...new Set(ways.map(({ words }) => words))].join(', or ')}`;
    return title;
  }

  /** In a chart larger than its frame, brings the lit state to the middle, or where none is lit, the first one. */
  reveal() {
    const lit = [...this.#frame.querySelectorAll('.state.lit')].at(-1);
    const shown = lit ?? this.#frame.querySelector('.state');
    if (!shown) return;
    const [box, frame] = [shown.getBoundingClientRect(), this.#frame.getBoundingClientRect()];
    this.#frame.scrollBy({
      left: box.left + box.width / 2 - frame.left - frame.width / 2,
      top: box.top + box.height / 2 - frame.top - frame.height / 2,
      behavior:
        this.#isFresh || matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth',
    });
  }

  /** An edge, or what is possible anywhere: that has no `from`. */
  #edgeOf(machine, { from, to, event }) {
    const { edges, anywhere } = this.#charts[machine];
    const [sources, targets] = [withParents(from), withParents(to)];
    const leadsThere = ({ to, ways }) => targets.includes(to) && ways.some((way) => way.event === event);
    return edges.find((edge) => sources.includes(edge.from) && leadsThere(edge)) ?? anywhere.find(leadsThere);
  }

  #stateOf(machine, state) {
    return this.#charts[machine]?.states.find(({ id }) => id === state);
  }
}

/** Whether words at an edge are those of an event that did not happen this time. */
function isAnother(event, { from, ways }, words) {
  const [name] = words.split(' ');
  return from !== undefined && name !== event && ways.some((way) => way.event === name);
}

/** `creating.placing` is in `creating`, too. */
function withParents(state) {
  return state.split('.').map((_, index, names) => names.slice(0, index + 1).join('.'));
}
