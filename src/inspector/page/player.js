import { byId } from './elements.js';
import { showLog, showMore } from './log.js';
import { showFacts, showNotices, showNow } from './panels.js';
import { showSubjects } from './subjects.js';

/** Milliseconds each event that comes in is shown, so that quick ones can be seen. */
const PLAY_MS = 180;

/** What a page shows of its model, and the buttons that step through it. */
export class Player {
  #model;
  #chart;
  #onShow;
  #onChoose;
  #isPlaying = false;

  /** `onShow` is told of the subject that is shown, with its state; `onChoose` of the one that was chosen. */
  constructor(model, chart, { onShow = () => {}, onChoose = () => {} } = {}) {
    this.#model = model;
    this.#chart = chart;
    this.#onShow = onShow;
    this.#onChoose = onChoose;
    byId('earlier').onclick = () => this.step(-1);
    byId('later').onclick = () => this.step(1);
    byId('live').onclick = () => this.goTo(null);
    byId('more').onclick = () => {
      showMore();
      this.show();
    };
  }

  /** Takes a look that has come, and shows what is new in it one after the other. */
  take(look) {
    this.#model.take(look);
    if (!this.#isPlaying) this.#play();
  }

  show() {
    const model = this.#model;
    showNotices(model);
    showSubjects(model, (id) => this.choose(id));
    const { subject } = model;
    byId('nothing').hidden = subject !== undefined;
    byId('subject').hidden = subject === undefined;
    byId('events').hidden = subject === undefined;
    if (!subject) return;
    const { state, event } = model.viewOf(subject);
    document.body.classList.toggle('in-past', !model.isLive);
    byId('live').setAttribute('aria-pressed', String(model.isLive));
    this.#onShow(subject, state);
    showNow(model, this.#chart);
    showLog(model, (position) => this.goTo(position));
    showFacts(model);
    this.#chart.show(subject.machine, state, event);
  }

  choose(id) {
    this.#model.choose(id);
    this.#onChoose(id);
    this.show();
  }

  goTo(position) {
    this.#model.goTo(position);
    this.show();
  }

  step(by) {
    this.#model.step(by);
    this.show();
    byId('log').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  #play() {
    this.#isPlaying = this.#model.playOn();
    if (this.#isPlaying) setTimeout(() => this.#play(), PLAY_MS);
    this.show();
  }
}
