import { moduleOrder } from './packages/server/src/app/module-order.ts';

const S = '^packages/server/src/';
const M = `${S}modules/`;
/** Files of a role, by suffix or by folder, so that a split module does not escape. */
const role = (r) => [`${M}.+-(?:${r})\\.ts$`, `${M}[^/]+/(?:${r})/`];
const tests = '\\.(?:test|testsuite)\\.tsx?$';
const rule = (name, from, to) => ({ name, severity: 'error', from, to });

export default {
  forbidden: [
    rule(
      'public-face',
      { path: `${M}([^/]+)/`, pathNot: tests },
      { path: `${M}[^/]+/`, pathNot: [`${M}$1/`, `${M}[^/]+/index\\.ts$`] },
    ),
    rule(
      'app-mounts-faces',
      { path: `${S}app/`, pathNot: tests },
      { path: M, pathNot: [`${M}[^/]+/index\\.ts$`, `${M}[^/]+/[^/]+-module\\.ts$`] },
    ),
    ...moduleOrder
      .slice(0, -1)
      .map((m, i) =>
        rule(
          `order-${m}`,
          { path: `${M}${m}/`, pathNot: tests },
          { path: `${M}(?:${moduleOrder.slice(i + 1).join('|')})/` },
        ),
      ),
    rule('platform-blind', { path: `${S}platform/`, pathNot: tests }, { path: `${S}(?:modules|app)/` }),
    rule(
      'transport-to-service',
      { path: role('routes|mcp|sockets|jobs|endpoints'), pathNot: tests },
      { path: [...role('store|stores'), `${S}platform/db/`] },
    ),
    rule(
      'service-no-transport',
      { path: role('service|services'), pathNot: tests },
      {
        path: [
          ...role('routes|mcp|sockets|jobs|endpoints'),
          'node_modules/(?:fastify|@fastify|ws|@modelcontextprotocol)/',
        ],
      },
    ),
    rule(
      'store-leaf',
      { path: role('store|stores'), pathNot: tests },
      { path: M, pathNot: role('store|stores|sql|rows') },
    ),
    rule(
      'clients-contract-only',
      { path: '^packages/(?:web|sdk|cli)/', pathNot: tests },
      { path: '^packages/server/' },
    ),
    rule('protocol-leaf', { path: '^packages/protocol/', pathNot: tests }, { path: '^packages/(?!protocol/)' }),
    rule(
      'no-test-import',
      { path: '^packages/[^/]+/src/', pathNot: tests },
      { path: [tests, '^packages/[^/]+/test/'] },
    ),
    rule('no-cycle', {}, { circular: true }),
    rule('no-unresolved', {}, { couldNotResolve: true }),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)(?:dist|node_modules/(?!@atrium))' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
