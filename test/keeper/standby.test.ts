import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Ready, Standby } from '../../src/keeper/standby.ts';
import { until } from '../support/until.ts';

const address = { host: 'pod', port: 22, user: 'root', bootId: 'first' };

/** A standby whose ssh is a promise of ours: what is tested is when one is opened and when it is ended. */
function begin({
  opens = true,
  answers = async () => true,
}: {
  opens?: boolean;
  answers?: () => Promise<boolean>;
} = {}) {
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const ended: string[] = [];
  const opened: { id: string; die: () => void }[] = [];
  const standby = new Standby({ afterMs: 5, answerMs: 50, end: async ({ id }) => void ended.push(id) });
  let attempts = 0;
  const open = async (): Promise<Ready | undefined> => {
    attempts += 1;
    if (!opens) throw new Error('refused');
    let die: () => void = () => undefined;
    const isOver = new Promise<void>((resolve) => {
      die = resolve;
    });
    const id = `ssh ${opened.length + 1}`;
    opened.push({ id, die });
    return { generation: { id, address }, pulse: { ended: isOver, answers } };
  };
  const kept = standby.keep(address, open, over.signal);
  return { standby, ended, opened, over, kept, attempts: () => attempts };
}

const forever = new AbortController().signal;

describe('the ssh that stands by', () => {
  it('takes over once, and not at another address', async () => {
    const { standby } = begin();
    await until('one', () => standby.generation);
    expect(await standby.takeOver({ ...address, bootId: 'second' }, forever)).toBeUndefined();
    expect((await standby.takeOver(address, forever))?.id).toBe('ssh 1');
    expect(await standby.takeOver(address, forever)).toBeUndefined();
  });

  it('is ended when it does not answer', async () => {
    const { standby, ended } = begin({ answers: async () => false });
    await until('one', () => standby.generation);
    expect(await standby.takeOver(address, forever)).toBeUndefined();
    expect(ended).toEqual(['ssh 1']);
  });

  it('stays when another has won before it could answer', async () => {
    const { standby, ended } = begin({ answers: () => sleep(20, true) });
    await until('one', () => standby.generation);
    const over = new AbortController();
    const asked = standby.takeOver(address, over.signal);
    over.abort();
    expect(await asked).toBeUndefined();
    await sleep(40);
    expect([standby.generation?.id, ended]).toEqual(['ssh 1', []]);
  });

  it('is none any more when it has ended, also when nobody keeps it', async () => {
    const { standby, opened, over, kept, ended } = begin();
    await until('one', () => standby.generation);
    over.abort();
    await kept;
    opened[0]?.die();
    await until('gone', () => standby.generation === undefined);
    expect(ended).toEqual(['ssh 1']);
  });

  it.each([
    ['cannot be opened', { opens: false }],
    ['ends at once', { opens: true }],
  ])('where it %s the pauses grow', async (_, options) => {
    const { opened, attempts } = begin(options);
    const dying = setInterval(() => opened.at(-1)?.die(), 1);
    onTestFinished(() => clearInterval(dying));
    await sleep(700);
    // 5, 10, 20, … ms: the eighth would come after 1.3 s.
    expect(attempts()).toBeGreaterThan(2);
    expect(attempts()).toBeLessThan(9);
  });
});
