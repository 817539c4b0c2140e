/** What is known, and which part of it is shown. Knows nothing of the page. */
export class Model {
  log = [];
  subjects = [];
  notices = [];
  keeper = null;
  /** Times the log was told anew; positions in it hold within one of them. */
  wholes = 0;
  /** Id of the subject that is shown. */
  selected = null;
  /** Position in the log up to which things are shown as they stood; null shows them as they are. */
  cursor = null;
  /** Events that came in while the past is shown. */
  arrived = 0;
  /** Position in the log up to which the selected subject's events have been played. */
  played = -1;
  /** Whether the event at `played` is being shown. */
  isPlaying = false;
  #hasChosen = false;
  /** Each subject's entries of the log, oldest first, with their position in it. */
  #events = new Map();

  /** Takes one look of the server's. */
  take({ isWhole, entries, subjects, notices, keeper }) {
    const isFirst = this.log.length === 0 && this.subjects.length === 0;
    const shown = this.cursor === null ? undefined : this.log[this.cursor];
    const before = new Set(this.subjects.map(({ id }) => id));
    const length = isWhole ? 0 : this.log.length;
    if (isWhole) {
      this.#events.clear();
      this.wholes++;
    }
    this.log = isWhole ? entries : [...this.log, ...entries];
    this.#sort(entries, length);
    Object.assign(this, { subjects, notices, keeper });
    if (isWhole) this.#stopPlaying();
    if (isWhole && shown) this.cursor = this.#positionOf(shown);
    this.arrived = this.isLive ? 0 : this.arrived + (isWhole ? 0 : entries.length);
    if (!isFirst || !isWhole) this.#followArrival(before, length);
    if (!this.subject) this.#show(this.subjects[0]?.id ?? null);
  }

  choose(id) {
    this.#hasChosen = true;
    this.#show(id);
  }

  get subject() {
    return this.subjects.find(({ id }) => id === this.selected);
  }

  /** Events of the selected subject, oldest first, with their position in the log. */
  get events() {
    return this.#eventsOf(this.selected);
  }

  get isLive() {
    return this.cursor === null;
  }

  /** Has the next event that came in shown. Answers whether there was one. */
  playOn() {
    const waiting = this.isLive ? this.events.filter(({ index }) => index > this.played) : [];
    const next = waiting.length > MOST_PLAYED ? waiting.at(-MOST_PLAYED) : waiting[0];
    this.played = next ? next.index : this.log.length - 1;
    this.isPlaying = next !== undefined;
    return this.isPlaying;
  }

  /** State of a subject at the time that is shown, and the event that led there. */
  viewOf(subject) {
    const isPlayed = this.isPlaying && subject.id === this.selected;
    if (this.isLive && !isPlayed) {
      const last = this.#eventsOf(subject.id).at(-1);
      return {
        state: subject.state,
        since: subject.since,
        event: last?.to === subject.state ? last : undefined,
      };
    }
    const position = this.isLive ? this.played : this.cursor;
    const event = this.#eventsOf(subject.id).findLast(({ index }) => index <= position);
    return { state: event?.to ?? null, since: event?.at ?? null, event };
  }

  /** Moves through the selected subject's events, by -1 or 1; past the last one it is now again. */
  step(by) {
    const { events, shownIndex } = this;
    const at = this.isLive ? events.length : events.findIndex(({ index }) => index === shownIndex);
    // What is shown of this subject may be older than the cursor, which another subject's event has set.
    const isBetween = !this.isLive && shownIndex !== this.cursor;
    const next = isBetween && by < 0 ? at : at + by;
    this.goTo(events[Math.max(0, next)]?.index ?? null);
  }

  /** Position of the selected subject's event that is shown while looking at the past. */
  get shownIndex() {
    return this.isLive ? undefined : this.events.findLast(({ index }) => index <= this.cursor)?.index;
  }

  goTo(position) {
    this.cursor = position;
    if (this.isLive) this.arrived = 0;
    this.#stopPlaying();
  }

  #eventsOf(id) {
    return this.#events.get(id) ?? [];
  }

  #sort(entries, from) {
    entries.forEach((entry, offset) => {
      const id = subjectOf(entry);
      if (!this.#events.has(id)) this.#events.set(id, []);
      this.#events.get(id).push({ ...entry, index: from + offset });
    });
  }

  // A pod that comes up is followed, unless the reader chose another one or looks at the past.
  #followArrival(before, length) {
    const arrival = this.subjects.find(({ id }) => !before.has(id) && id.startsWith('pod/'));
    const isFree = this.selected === null || !this.subject || (!this.#hasChosen && this.isLive);
    if (!arrival || !isFree) return;
    this.#show(arrival.id);
    this.played = length - 1;
  }

  #show(id) {
    this.selected = id;
    this.#stopPlaying();
  }

  #stopPlaying() {
    this.played = this.log.length - 1;
    this.isPlaying = false;
  }

  #positionOf({ at, machine, id, to }) {
    const position = this.log.findIndex(
      (entry) => entry.at === at && entry.machine === machine && entry.id === id && entry.to === to,
    );
    return position < 0 ? null : position;
  }
}

/** Events played one after the other; what comes in beyond is skipped. */
const MOST_PLAYED = 12;

function subjectOf({ machine, id }) {
  return `${machine.split('@')[0]}/${id}`;
}
