/** The arrows of the house; `npm run verify` checks them. See CONTRIBUTING.md. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  comment: `${from} may import only: ${allowed.join(', ')}`,
  from: { path: `^src/${from}` },
  to: { path: '^(src|sim)/', pathNot: allowed.map((folder) => `^src/${folder}`) },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'errors-import-nothing', severity: 'error', from: { path: '^src/errors' }, to: { path: '.' } },
    {
      name: 'clock-imports-nothing',
      severity: 'error',
      from: { path: '^src/clock' },
      to: { path: '^(src|sim)/' },
    },
    {
      name: 'machines-decide-only',
      comment: 'No node built-ins, no libraries but xstate: machines have no effects.',
      severity: 'error',
      from: { path: '^src/machines/' },
      to: { pathNot: ['^src/machines/', '^src/errors', 'node_modules/xstate'] },
    },
    only('workflow', 'workflow/', ['workflow/', 'errors']),
    only('services', 'services/', ['services/', 'machines/job-types', 'clock', 'errors', 'user', 'version']),
    only('store', 'store/', ['store/', 'clock', 'errors', 'shell-word', 'user']),
    only('keeper', 'keeper/', [
      'keeper/',
      'machines/',
      'services/',
      'store/',
      'clock',
      'errors',
      'user',
      'version',
    ]),
    only('lifecycle', 'lifecycle/', [
      'lifecycle/',
      'keeper/client',
      'machines/',
      'services/',
      'store/',
      'clock',
      'errors',
    ]),
    only('inspector', 'inspector/', [
      'inspector/',
      'keeper/client',
      'machines/',
      'services/log',
      'store/',
      'errors',
    ]),
    {
      name: 'only-the-store-knows-lowdb',
      severity: 'error',
      from: { path: '^(src|sim)/', pathNot: '^src/store/' },
      to: { path: 'node_modules/lowdb' },
    },
    {
      name: 'simulator-stands-alone',
      severity: 'error',
      from: { path: '^sim/' },
      to: { path: '^src/' },
    },
    {
      name: 'product-does-not-know-the-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/commands/sim' },
      to: { path: '^sim/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
