import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AutopodError } from '../../errors.ts';
import type { Cluster, ServeOptions } from '../../fleet/serve.ts';
import { VERSION } from '../../version.ts';
import { isLoopback, type ListenAddress } from '../arguments/fleet.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';
import type { Verb } from '../verb.ts';

interface Options {
  listen: ListenAddress;
  cert?: string;
  certKey?: string;
  url?: string;
  restate?: string[];
  restateAdmin?: string[];
  restateIdentity?: string[];
  worker?: ListenAddress;
  install?: boolean;
  unit?: boolean;
}

/** Serves a fleet until it is interrupted. */
export const serve: Verb<Options> = async (context, _named, options) => {
  const { out } = context;
  if (options.install) return install(context);
  if (options.unit) {
    const { systemdUnit } = await import('../fleet/systemd-unit.ts');
    out.plain(systemdUnit(context.home().root, process.argv));
    return 0;
  }
  const listening = { ...options.listen, tls: await tlsOf(options) };
  if (!listening.tls && !isLoopback(listening.host)) {
    throw new AutopodError('usage', {
      message: `Without a certificate the gateway listens on this machine only, not at ${listening.host}: tokens would go in plain text.`,
      next: 'Give it --cert and --cert-key, or listen on 127.0.0.1 behind a proxy that speaks HTTPS.',
    });
  }
  const config = await context.config();
  const { serve: serveFleet } = await import('../../fleet/serve.ts');
  const { WORDING: wording } = await import('../inspecting/wording.ts');
  const { env, signal } = context;
  const serving: ServeOptions = {
    home: context.home(),
    env,
    config,
    listening,
    publicUrl: options.url,
    cluster: clusterOf(options),
    onHandover: {
      asked: (version) => out.say(fleetText.takingOver(version, VERSION)),
      handedOver: (version) => out.say(fleetText.handedOver(version)),
      left: () => out.say(fleetText.left()),
    },
    signal,
    wording,
    onListening: (url, people) => {
      if (out.isJson) out.jsonLine({ url });
      else out.say(fleetText.serving(url, people));
    },
  };
  await serveFleet(serving);
  return 0;
};

/** Where Restate's admin side answers, unless it is said: at the same host. */
const ADMIN_PORT = '9070';

function clusterOf({ restate, restateAdmin, restateIdentity, worker }: Options): Cluster | undefined {
  if (!restate) {
    const [lost] = Object.entries({
      '--restate-admin': restateAdmin,
      '--restate-identity': restateIdentity,
      '--worker': worker,
    }).flatMap(([option, value]) => (value === undefined ? [] : option));
    if (lost === undefined) return undefined;
    throw new AutopodError('usage', { message: `${lost} is about a cluster: it needs --restate.` });
  }
  if (!restateIdentity) {
    throw new AutopodError('usage', {
      message: 'Without --restate-identity whoever reaches the worker could have it do anything.',
      next: 'Its nodes say it when they start with RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: publickeyv1_…',
    });
  }
  const admin =
    restateAdmin ?? restate.map((url) => Object.assign(new URL(url), { port: ADMIN_PORT }).origin);
  return {
    ingress: restate,
    admin,
    identityKeys: restateIdentity,
    worker: worker ?? { host: '127.0.0.1', port: 0 },
  };
}

async function install(context: Context): Promise<number> {
  const { out, signal } = context;
  const { installServer } = await import('../../fleet/engine/binary.ts');
  const { engineFolder } = await import('../../fleet/home.ts');
  out.say(fleetText.installing());
  const path = await installServer(engineFolder(context.home()), signal);
  if (out.isJson) out.json({ path });
  else out.line(fleetText.installed(path));
  return 0;
}

async function tlsOf({ cert, certKey }: Options) {
  if (cert === undefined && certKey === undefined) return undefined;
  if (cert === undefined || certKey === undefined) {
    throw new AutopodError('usage', { message: '--cert and --cert-key go together.' });
  }
  const tls = { cert: await pem('--cert', cert), key: await pem('--cert-key', certKey) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new AutopodError('usage', {
      message: `${cert} and ${certKey} are no certificate with its key.`,
      next: (error as Error).message,
    });
  }
  return tls;
}

async function pem(option: string, path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new AutopodError('usage', { message: `${option}: ${path} cannot be read.`, next: error.message });
  });
  if (bytes.includes('-----BEGIN ')) return bytes;
  throw new AutopodError('usage', { message: `${option}: ${path} is no PEM file.` });
}
