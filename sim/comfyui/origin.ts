import type { IncomingHttpHeaders } from 'node:http';
import type { ComfyUiVersion } from './recorded.ts';

/** Whether ComfyUI refuses a request for where it comes from: a loopback Host asked by a page of another origin. */
export function isForeign(headers: IncomingHttpHeaders, version: ComfyUiVersion): boolean {
  if (version === '0.33.0' && headers['sec-fetch-site'] === 'cross-site') return true;
  if (!headers.host || headers.origin === undefined) return false;
  const host = splitAuthority(headers.host.toLowerCase());
  const origin = splitAuthority(/^[a-z+.-]+:\/\/([^/]*)/i.exec(headers.origin)?.[1]?.toLowerCase() ?? '');
  if (!isLoopback(host.name) || origin.name === '') return false;
  const havePorts = host.port !== '' && origin.port !== '';
  return havePorts ? host.name !== origin.name || host.port !== origin.port : host.name !== origin.name;
}

function splitAuthority(authority: string): { name: string; port: string } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(authority) ?? [];
  return { name: bracketed ?? plain ?? '', port };
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127(\.\d+){3}$/.test(name);
}
