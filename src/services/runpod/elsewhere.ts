import type { Response } from 'got';
import { AutopodError } from '../../errors.ts';

/**
 * Whether something other than RunPod's API has answered: a redirect, which is never followed, for it would carry the key
 * to another host, or a page made for a browser, such as a proxy's login. The failure says what.
 */
export function answeredElsewhere({
  statusCode,
  headers,
  rawBody,
  url,
}: Response<unknown>): AutopodError | undefined {
  const host = new URL(url).host;
  if (statusCode >= 300 && statusCode < 400) {
    const target = headers.location ? ` to ${originOf(headers.location, url)}` : '';
    return new AutopodError('apiElsewhere', { host, status: statusCode, detail: `It redirects${target}.` });
  }
  const body = String(rawBody ?? '');
  const isPage =
    /text\/html/i.test(String(headers['content-type'] ?? '')) || /^\s*<(!doctype|html)/i.test(body);
  // A gateway's page for its own trouble passes by itself.
  if (!isPage || statusCode >= 500) return undefined;
  const title = /<title[^>]*>\s*([^<]{1,80})/i.exec(body)?.[1]?.trim();
  const detail = title ? `A web page answered: “${title}”.` : 'A web page answered.';
  return new AutopodError('apiElsewhere', { host, status: statusCode, detail });
}

function originOf(location: string, base: string): string {
  return URL.canParse(location, base) ? new URL(location, base).origin : location;
}
