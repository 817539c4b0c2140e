import { byId, say } from './elements.js';

const ASKED = {
  stop: {
    words: 'Stop',
    consequence:
      'Its GPU is released and its container disk is wiped; network volumes and other disks stay. A job that runs is lost.',
  },
  kill: { words: 'Kill', consequence: 'It is ended for good. All outside of its network volume is lost.' },
};

/** Asks before anything is done; `act` does it, and what that fails with is told where it was asked. */
export function confirmed(verb, { name, owner }, act) {
  const { words, consequence } = ASKED[verb];
  const dialog = byId('confirm');
  say(byId('question'), `${words} ${name}, a pod of ${owner}?`);
  say(byId('consequence'), consequence);
  say(byId('refusal'), '');
  const yes = byId('yes');
  say(yes, words);
  yes.className = verb === 'kill' ? 'dangerous' : '';
  yes.disabled = false;
  yes.onclick = async () => {
    yes.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      say(byId('refusal'), error.message);
      yes.disabled = false;
    }
  };
  byId('no').onclick = () => dialog.close();
  dialog.showModal();
  byId('no').focus();
}
