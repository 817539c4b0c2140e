/**
 * ComfyUI's own routes whose GET changes nothing: what its server, and the page it serves, ask again and again. Routes
 * of custom nodes may do anything, as `/manager/reboot` does.
 */
const HARMLESS = new Set([
  '',
  'api_info',
  'assets',
  'cursor',
  'docs',
  'embeddings',
  'extensions',
  'favicon.ico',
  'features',
  'fonts',
  'global_subgraphs',
  'history',
  'i18n',
  'index.html',
  'internal',
  'job',
  'jobs',
  'lib',
  'materialdesignicons.min.css',
  'models',
  'object_info',
  'prompt',
  'queue',
  'scripts',
  'settings',
  'system_stats',
  'templates',
  'upload',
  'user.css',
  'userdata',
  'users',
  'v2',
  'view',
  'view_metadata',
  'view.css',
  'workflow_templates',
  'ws',
]);

/** Whether this is the head of a GET or HEAD that a server may be asked twice, and nothing else. */
export function isHarmlessRequest(text: string): boolean {
  const target = /^(?:GET|HEAD) \/(\S*) HTTP\/1\./.exec(text)?.[1];
  if (target === undefined || text.indexOf('\r\n\r\n') !== text.length - 4) return false;
  const path = target.replace(/[?#].*$/s, '').replace(/^(?:api\/)?(?:experiment\/)?/, '');
  const [first = ''] = path.split('/');
  return HARMLESS.has(first) && !/(?:^|\/)\.\.(?:\/|$)|%2e|%2f|^\/|\/\//i.test(path);
}
