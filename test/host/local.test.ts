import { describe, expect, it } from 'vitest';
import { type Hosted, runHere } from '../../src/host/local.ts';
import { begin, step, workDone, workFailed } from '../../src/host/step.ts';
import { type Engine, hostContract, orderMachine } from './contract.ts';

hostContract('the engine of this machine', {
  begin: (options) => runHere(options as unknown as Hosted<never>) as unknown as ReturnType<Engine['begin']>,
});

it('a run ends where its machine rests, with that on disk, and one that is begun from there does the work of it', async () => {
  const done: string[] = [];
  const work = (name: string, output?: unknown) => async () => {
    done.push(name);
    return output;
  };
  const options: Hosted<{ isPaid: boolean }> = {
    machine: orderMachine,
    input: { id: 'o1', isPaid: false, parcels: [] },
    works: { look: work('look', true), pay: work('pay'), pack: work('pack') },
    rests: ({ value }) => value === 'packing',
    save: async ({ value }) => void done.push(`save ${value}`),
    journal: async ({ to }) => void done.push(`journal ${to}`),
  };
  const rested = await runHere(options).ended;
  expect([rested.value, done.slice(3)]).toEqual(['packing', ['save packing', 'journal packing']]);
  const { rests: _, ...restless } = options;
  expect((await runHere({ ...restless, input: rested.context }).ended).value).toBe('sent');
  expect(done.filter((what) => what === 'pack')).toHaveLength(1);
});

describe('a step', () => {
  const order = { id: 'o1', isPaid: false, parcels: [] };

  it('names the work that begins, and what else is at work', () => {
    const first = begin(orderMachine, order);
    expect(first).toMatchObject({ from: null, to: 'looking', event: 'begun', atWork: ['look'] });
    expect(first.begun).toEqual([{ id: 'look', src: 'look', input: order }]);
    expect(step(orderMachine, first.saved, workDone('look', true))).toMatchObject({
      from: 'looking',
      to: 'packing',
      begun: [{ id: 'pack' }],
      isFinal: false,
    });
  });

  it('gives the same for the same, and leaves what it is given as it is', () => {
    const saved = JSON.parse(JSON.stringify(begin(orderMachine, order).saved));
    const before = structuredClone(saved);
    const event = workDone('look', false);
    expect(step(orderMachine, saved, event)).toEqual(step(orderMachine, saved, event));
    expect(saved).toEqual(before);
  });

  it('goes on from what went through JSON to the end', () => {
    let saved = begin(orderMachine, order).saved;
    const events = [workDone('look', false), workFailed('pay', new Error('x')), workDone('look', true)];
    for (const event of [...events, workDone('pack', undefined)])
      saved = JSON.parse(JSON.stringify(step(orderMachine, saved, event).saved));
    expect(saved).toEqual({ value: 'sent', context: { ...order, isPaid: true } });
  });
});
