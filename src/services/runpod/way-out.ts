import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { AutopodError } from '../../errors.ts';

/** How connections to an API are made: through the proxy the environment names, never for this machine itself. */
export interface WayOut {
  http: Agent;
  https: TlsAgent;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Agents of our own: those of Node may be told to use a proxy for this machine's own ports, too (NODE_USE_ENV_PROXY).
 * Throws `usage` for a proxy that is none.
 */
export function wayOut(apiUrl: string): WayOut {
  const proxy = LOOPBACK.test(new URL(apiUrl).hostname) ? '' : getProxyForUrl(apiUrl);
  if (proxy === '') return { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new AutopodError('usage', {
      message: `The proxy for ${new URL(apiUrl).host} is “${url ? `${url.protocol}//${url.host}` : proxy}”, which is no HTTP proxy.`,
      next: 'Correct HTTPS_PROXY, as in http://proxy.example:3128, or leave the host out with NO_PROXY.',
    });
  }
  const agent = new HttpsProxyAgent(url) as unknown as TlsAgent;
  return { http: agent, https: agent };
}
