import { join } from 'node:path';
import { RECORD_SCHEMA } from '../../store/record-schema.ts';
import { RecordStore } from '../../store/records.ts';
import type { FleetHome } from '../home.ts';
import type { PoolWish } from './pool-types.ts';

/** The pools there are, by their names: what is wanted of them. What they have come to, the engine keeps. */
export class Pools {
  readonly #store: RecordStore<PoolWish>;

  constructor({ root, locks }: FleetHome) {
    this.#store = new RecordStore<PoolWish>({ path: join(root, 'pools.json'), locks });
  }

  async all(): Promise<PoolWish[]> {
    return Object.values(await this.#store.all()).map(({ facts }) => facts);
  }

  async get(name: string): Promise<PoolWish | undefined> {
    return (await this.#store.get(name))?.facts;
  }

  keep(wish: PoolWish): Promise<void> {
    const savedAt = new Date().toISOString();
    const record = { schema: RECORD_SCHEMA, machine: 'pool@1', facts: wish, snapshot: null, savedAt };
    return this.#store.update(wish.name, () => record);
  }

  forget(name: string): Promise<void> {
    return this.#store.update(name, () => undefined);
  }
}
