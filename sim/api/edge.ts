import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.ts';

const PAGE = `<!DOCTYPE html>
<html><head><title>403 Forbidden</title></head>
<body><center><h1>403 Forbidden</h1></center></body></html>
`;

/** What stands before RunPod's API: it turns away who does not say what program they are. */
export function edgeRefusal({ headers }: IncomingMessage): Answer | undefined {
  if (headers['user-agent']) return undefined;
  return { status: 403, headers: { 'content-type': 'text/html' }, raw: PAGE };
}
