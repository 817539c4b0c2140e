import type { ComfyAnswer } from './answer.ts';

/** What may answer at port 8188 in ComfyUI's place. */
export const INSTEAD = {
  page: {
    status: 200,
    headers: { 'content-type': 'text/html' },
    text: '<!doctype html><title>Jupyter Server</title><p>Files',
  },
  login: { status: 401, headers: { 'www-authenticate': 'Basic realm="studio"' }, text: 'Unauthorized' },
  redirect: { status: 302, headers: { location: '/login' } },
} as const satisfies Record<string, ComfyAnswer>;
