import { onTestFinished } from 'vitest';
import { type Inspector, serveInspector } from '../../../src/inspector/server.ts';
import { Watch } from '../../../src/inspector/watch.ts';
import type { TunnelView } from '../../../src/keeper/client.ts';
import type { Candidate } from '../../../src/machines/pod-types.ts';
import type { Home } from '../../../src/store/home.ts';
import { Journal } from '../../../src/store/journal.ts';
import type { StoredRecord } from '../../../src/store/records.ts';
import { tempHome } from '../../support/temp-home.ts';

/** Must never be shown. */
export const SECRET = 'a-key-in-no-known-form';

/** What an inspector finds when it looks; the test changes it. */
export interface Scene {
  watch: Watch;
  pods: Record<string, StoredRecord<object>>;
  tunnels: TunnelView[];
  keeper: number | undefined;
  /** Done while it looks, before the journal is read. */
  whileLooking: () => void;
  /** Thrown when the pods are read. */
  trouble: Error | undefined;
  /** How often it has looked. */
  looked: number;
  home: Home;
  inspector: Inspector;
  /** Writes one transition into the journal. */
  tell(
    machine: string,
    id: string,
    way: [from: string, event: string, to: string],
    more?: object,
  ): Promise<void>;
}

/** A real server and a real journal over pods and tunnels that a test makes up. */
export async function startScene({ port = 0 } = {}): Promise<Scene> {
  const home = tempHome();
  const journal = new Journal(home.journal);
  const scene: Omit<Scene, 'inspector' | 'watch'> = {
    pods: {},
    tunnels: [],
    keeper: 4711,
    whileLooking: () => undefined,
    trouble: undefined,
    looked: 0,
    home,
    tell: (machine, id, [from, event, to], more) =>
      journal.append({ at: new Date().toISOString(), machine, id, from, event, to, ...more }),
  };
  const watch = new Watch({
    journal: home.journal,
    pods: async () => {
      scene.looked++;
      if (scene.trouble) throw scene.trouble;
      return scene.pods;
    },
    tunnels: async () => scene.tunnels,
    checkTunnelFile: async () => undefined,
    driverOf: async () => 815,
    keeper: async () => {
      scene.whileLooking();
      return scene.keeper;
    },
    wording: {
      failure: ({ code }) => ({ what: `what ${code}`, why: `why ${code}`, next: `next ${code}` }),
      pastFailure: ({ reason }) => ({ what: `It failed: ${reason}` }),
      candidate: ({ gpuName }: Candidate) => gpuName,
    },
    secrets: [SECRET],
  });
  const inspector = await serveInspector(watch, port);
  onTestFinished(() => inspector.close());
  return Object.assign(scene, { inspector, watch });
}

export function podRecord(podId: string, snapshot: object = { value: 'ready' }): StoredRecord<object> {
  const facts = { podId, wish: { name: `pod-of-${podId}` } };
  return { schema: 1, machine: 'pod@1', facts, snapshot, savedAt: new Date().toISOString() };
}

export function tunnelView(podId: string, more: Partial<TunnelView> = {}): TunnelView {
  const now = new Date().toISOString();
  return {
    podId,
    state: 'healthy',
    since: now,
    localPort: 8188,
    remotePort: 8188,
    comfy: 'answering',
    bytesIn: 0,
    bytesOut: 0,
    startedAt: now,
    isTemporary: false,
    ...more,
  };
}
