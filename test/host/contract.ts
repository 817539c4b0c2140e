import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, type EventObject, fromPromise, setup } from 'xstate';
import type { Saved, Step } from '../../src/host/step.ts';
import { deferred } from '../support/deferred.ts';

/** An order that is paid once and then sent: what a host has to keep right, and no more. */
interface Order {
  id: string;
  isPaid: boolean;
  parcels: string[];
}

const unprovided = () => Promise.reject(new Error('not provided'));
export const orderMachine = setup({
  types: {
    context: {} as Order,
    input: {} as Order,
    events: {} as { type: 'cancel.requested' } | { type: 'parcel.packed'; parcel: string },
  },
  actors: {
    look: fromPromise<boolean, Order>(unprovided),
    pay: fromPromise<void, Order>(unprovided),
    pack: fromPromise<void, Order>(unprovided),
  },
}).createMachine({
  id: 'order@1',
  initial: 'looking',
  context: ({ input }) => input,
  on: { 'cancel.requested': '.looking' },
  states: {
    looking: {
      invoke: {
        id: 'look',
        src: 'look',
        input: ({ context }) => context,
        onDone: [
          { guard: ({ event }) => event.output, target: 'packing', actions: assign({ isPaid: true }) },
          { target: 'paying' },
        ],
      },
    },
    paying: {
      invoke: {
        id: 'pay',
        src: 'pay',
        input: ({ context }) => context,
        onDone: { target: 'packing', actions: assign({ isPaid: true }) },
        onError: 'looking',
      },
    },
    packing: {
      invoke: { id: 'pack', src: 'pack', input: ({ context }) => context, onDone: 'sent' },
      on: {
        'parcel.packed': {
          actions: assign({ parcels: ({ context, event }) => [...context.parcels, event.parcel] }),
        },
      },
    },
    sent: { type: 'final' },
  },
});

export interface Working {
  input: Order;
  signal: AbortSignal;
  send: (event: EventObject) => void;
}

/** What the contract needs of an engine: to begin an order from facts, with its works and where it is kept. */
export interface Engine {
  begin(options: {
    machine: AnyStateMachine;
    input: Order;
    works: Record<'look' | 'pay' | 'pack', (working: Working) => Promise<unknown>>;
    save: (saved: Saved<Order>) => Promise<void>;
    journal: (step: Step<Order>) => Promise<void>;
    inspect: (step: Step<Order>) => void;
  }): { send: (event: EventObject) => void; ended: Promise<Saved<Order>>; stop: () => Promise<void> };
}

const order: Order = { id: 'o1', isPaid: false, parcels: [] };

/** A world with one account, and everything that happens in it, in order. */
function worldOf(engine: Engine) {
  const said: string[] = [];
  const disk: { saved: Saved<Order> | undefined } = { saved: undefined };
  let paid = 0;
  const works = {
    look: async () => {
      said.push('look');
      return paid > 0;
    },
    pay: async () => {
      said.push('pay');
      paid += 1;
    },
    pack: async ({ input, send }: Working) => {
      for (const parcel of ['a', 'b'].filter((one) => !input.parcels.includes(one)))
        send({ type: 'parcel.packed', parcel } as EventObject);
    },
  };
  const begin = (changes: Partial<Parameters<Engine['begin']>[0]> = {}, input = order) =>
    engine.begin({
      machine: orderMachine,
      input,
      works,
      save: async (saved) => {
        said.push(`save ${saved.value}`);
        disk.saved = JSON.parse(JSON.stringify(saved));
      },
      journal: async ({ event, from, to }) => void said.push(`journal ${from} ${event} ${to}`),
      inspect: ({ to }) => void said.push(`inspect ${to}`),
      ...changes,
    });
  return { begin, works, said, disk, paid: () => paid };
}

/** What every engine under the host keeps, whatever machine it runs. */
export function hostContract(name: string, engine: Engine): void {
  describe(`${name}, as a host of machines`, () => {
    it('saves a state and tells the journal of it before any work of it begins', async () => {
      const world = worldOf(engine);
      await world.begin().ended;
      expect(world.said.slice(0, 8)).toEqual([
        'inspect looking',
        'save looking',
        'journal null begun looking',
        'look',
        'inspect paying',
        'save paying',
        'journal looking look.done paying',
        'pay',
      ]);
    });

    it('ends with what the disk has', async () => {
      const world = worldOf(engine);
      expect(await world.begin().ended).toEqual(world.disk.saved);
      expect(world.disk.saved).toEqual({
        value: 'sent',
        context: { id: 'o1', isPaid: true, parcels: ['a', 'b'] },
      });
    });

    it('keeps what a state’s own work tells meanwhile, and the journal has changes of state only', async () => {
      const world = worldOf(engine);
      await world.begin().ended;
      expect(world.said.filter((line) => line === 'save packing')).toHaveLength(3);
      expect(world.said.filter((line) => line.startsWith('journal'))).toHaveLength(4);
    });

    it('begins again from its facts after it was cut off at any save, and pays once', async () => {
      for (let cutAt = 1; cutAt <= 6; cutAt++) {
        const world = worldOf(engine);
        let saves = 0;
        const cut = deferred();
        const first = world.begin({
          save: async (saved) => {
            saves += 1;
            if (saves > cutAt) return new Promise(() => undefined);
            world.disk.saved = JSON.parse(JSON.stringify(saved));
            if (saves === cutAt) cut.resolve();
          },
        });
        await cut.promise;
        await new Promise((resolve) => setImmediate(resolve));
        void first.stop();
        const kept = world.disk.saved?.context ?? order;
        const end = await world.begin({}, kept).ended;
        expect([cutAt, end.value, end.context.parcels, world.paid()]).toEqual([cutAt, 'sent', ['a', 'b'], 1]);
      }
    });

    it('aborts the work of a state that was left, and what that still tells counts no more', async () => {
      const world = worldOf(engine);
      const paying = deferred<Working>();
      const late = deferred();
      const run = world.begin({
        works: {
          ...world.works,
          pay: async (working) => {
            if (paying.isSettled) return world.works.pay();
            paying.resolve(working);
            await late.promise;
          },
        },
      });
      const { signal } = await paying.promise;
      run.send({ type: 'cancel.requested' });
      late.resolve();
      const end = await run.ended;
      expect([end.value, world.paid(), signal.aborted]).toEqual(['sent', 1, true]);
      expect(world.said.filter((line) => line.startsWith('journal')).slice(2, 4)).toEqual([
        'journal paying cancel.requested looking',
        'journal looking look.done paying',
      ]);
    });

    it('does nothing more once a state could not be saved, and says why', async () => {
      const world = worldOf(engine);
      const save = async ({ value }: Saved<Order>) => {
        if (value === 'paying') throw new Error('another has it');
      };
      await expect(world.begin({ save }).ended).rejects.toThrow('another has it');
      expect([world.paid(), world.said.includes('pay')]).toEqual([0, false]);
    });

    it('does nothing more once it was stopped', async () => {
      const world = worldOf(engine);
      const working = deferred<Working>();
      const run = world.begin({
        works: {
          ...world.works,
          pay: (given) => {
            working.resolve(given);
            return new Promise(() => undefined);
          },
        },
      });
      const { signal, send } = await working.promise;
      await run.stop();
      const before = [...world.said];
      send({ type: 'cancel.requested' });
      run.send({ type: 'cancel.requested' });
      await new Promise((resolve) => setImmediate(resolve));
      expect([signal.aborted, world.said]).toEqual([true, before]);
    });

    it('goes on when the journal cannot be written', async () => {
      const world = worldOf(engine);
      const journal = () => Promise.reject(new Error('disk full'));
      expect((await world.begin({ journal }).ended).value).toBe('sent');
    });
  });
}
