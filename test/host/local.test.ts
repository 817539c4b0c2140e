import { describe, expect, it } from 'vitest';
import { type Hosted, runHere } from '../../src/host/local.ts';
import { begin, step, workDone, workFailed } from '../../src/host/step.ts';
import { type Engine, hostContract, orderMachine } from './contract.ts';

hostContract('the engine of this machine', {
  begin: (options) => runHere(options as unknown as Hosted<never>) as unknown as ReturnType<Engine['begin']>,
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
