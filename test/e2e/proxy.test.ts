import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { HAS_OPENSSL, overTls } from '../support/over-tls.ts';
import { proxyTo } from '../support/proxy.ts';
import { startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
afterEach(() => world.end());

const portOf = (url: string) => Number(new URL(url).port);

describe.runIf(HAS_OPENSSL)('over TLS', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])(
    '%s is used for RunPod, unless NO_PROXY leaves it out',
    async (name) => {
      world = await startWorld();
      const { url, certificate, close } = await overTls(world);
      onTestFinished(close);
      const proxy = await proxyTo(portOf(url));
      // A name that only the proxy knows the way to.
      const env = {
        AUTOPOD_API_URL: 'https://runpod.invalid/v2',
        NODE_EXTRA_CA_CERTS: certificate,
        [name]: proxy.url,
      };
      const seen = await world.autopod(['ls'], env);
      expect(proxy.asked).toContain('CONNECT runpod.invalid:443');
      expect(seen.stderr).toContain('The certificate of runpod.invalid is not trusted');
      const asked = proxy.asked.length;
      await world.autopod(['ls', '--timeout', '2s'], { ...env, NO_PROXY: 'runpod.invalid' });
      expect(proxy.asked).toHaveLength(asked);
    },
  );

  it('a certificate nobody knows is named, with NODE_EXTRA_CA_CERTS, and nothing is sent', async () => {
    world = await startWorld();
    const { url, certificate, close } = await overTls(world);
    onTestFinished(close);
    for (const argv of [
      ['ls', '--json'],
      ['up', '--no-tunnel', '--json'],
    ]) {
      const { code, stdout } = await world.autopod(argv, { AUTOPOD_API_URL: url });
      const { error } = JSON.parse(stdout);
      expect([code, error.code, error.hint]).toEqual([
        1,
        'apiUntrusted',
        expect.stringMatching(/SELF_SIGNED[\s\S]*NODE_EXTRA_CA_CERTS/),
      ]);
    }
    const trusting = { AUTOPOD_API_URL: url, NODE_EXTRA_CA_CERTS: certificate };
    expect((await world.autopod(['ls'], trusting)).code).toBe(0);
    expect(await world.podIds()).toEqual([]);
  });
});

it('nothing of this machine is proxied: neither a simulator nor ComfyUI behind the tunnel', async () => {
  world = await startWorld();
  const proxy = await proxyTo(9);
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' };
  const up = await world.autopod(['up', '--local-port', 'auto'], env);
  expect(up.code, up.stderr).toBe(0);
  expect((await world.autopod(['comfy', 'status'], env)).code).toBe(0);
  expect(proxy.asked).toEqual([]);
});

it.each([['socks5://127.0.0.1:1080'], ['not an address']])(
  'a proxy that is none, %s, is named',
  async (proxy) => {
    world = await startWorld();
    const { code, stderr } = await world.autopod(['ls'], {
      AUTOPOD_API_URL: 'https://runpod.invalid/v2',
      HTTPS_PROXY: proxy,
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/The proxy for runpod\.invalid is .* no HTTP proxy/),
    ]);
  },
);
