import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverIdentity } from '../../../src/fleet/engine/identity.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { serverBinary } from './engine.ts';

interface Node {
  name: string;
  fabric: string;
  ingress: string;
  admin: string;
  child: ChildProcess;
  /** Starts it on what it has kept, as after a kill; resolves when it may be relied on. */
  startAgain: () => Promise<void>;
}

/** Milliseconds in which a node that is back fetches what it lacks: nothing that answers by HTTP tells when it has. */
export const CATCH_UP_MS = 15_000;

export interface TestCluster {
  nodes: Node[];
  /** With which all nodes sign. */
  identityKey: string;
  /** What `autopod serve` is told of it. */
  args: string[];
  end: () => Promise<void>;
}

/** Nodes of Restate's on loopback that keep each thing twice. */
export async function startCluster(count = 3): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'ap-cluster-'));
  const identityPath = join(folder, 'identity.pem');
  const identityKey = serverIdentity(identityPath);
  const address = async () => `http://127.0.0.1:${await freePort()}`;
  const places: { fabric: string; ingress: string; admin: string }[] = [];
  for (let index = 0; index < count; index += 1)
    places.push({ fabric: await address(), ingress: await address(), admin: await address() });
  const nodes = places.map(({ fabric, ingress, admin }, index) => {
    const name = `n${index + 1}`;
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '64 MB',
      RESTATE_DEFAULT_NUM_PARTITIONS: '1',
      RESTATE_DEFAULT_REPLICATION: '2',
      RESTATE_CLUSTER_NAME: 'autopod',
      // One begins the cluster, and the others join it.
      RESTATE_AUTO_PROVISION: String(index === 0),
      RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(places.map((one) => one.fabric)),
      RESTATE_BIND_ADDRESS: new URL(fabric).host,
      RESTATE_ADVERTISED_ADDRESS: fabric,
      RESTATE_INGRESS__BIND_ADDRESS: new URL(ingress).host,
      RESTATE_ADMIN__BIND_ADDRESS: new URL(admin).host,
      RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityPath,
      RESTATE_LOG_FILTER: 'error',
    };
    const args = ['--no-logo', '--listen-mode', 'tcp', '--base-dir', join(folder, name), '--node-name', name];
    const start = () => spawn(serverBinary ?? '', args, { env, stdio: 'ignore' });
    const node: Node = {
      name,
      fabric,
      ingress,
      admin,
      child: start(),
      startAgain: async () => {
        node.child = start();
        await untilAnswering(node);
        await sleep(CATCH_UP_MS);
      },
    };
    return node;
  });
  for (const node of nodes) await untilAnswering(node);
  return {
    nodes,
    identityKey,
    args: [
      ...nodes.flatMap(({ ingress, admin }) => ['--restate', ingress, '--restate-admin', admin]),
      '--restate-identity',
      identityKey,
    ],
    end: async () => {
      for (const { child } of nodes) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The node at which the cluster's calls are taken and its timers ring; undefined while none leads. */
export async function leaderOf({ nodes }: TestCluster): Promise<Node | undefined> {
  for (const node of nodes) {
    const metrics = await fetch(`${node.fabric}/metrics`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.text(),
      () => '',
    );
    if (/^restate_num_active_partition_leaders\{[^}]*\} 1$/m.test(metrics)) return node;
  }
  return undefined;
}

async function untilAnswering({ ingress, admin }: Node): Promise<void> {
  const answers = (url: string) =>
    fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(admin, () => answers(`${admin}/health`), 60_000);
  await until(ingress, () => answers(`${ingress}/restate/health`), 60_000);
}
