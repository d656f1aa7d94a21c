const prefixes = [
  'api',
  'auth',
  'oauth',
  'mcp',
  'ws',
  'v1',
  'health',
  'healthz',
  'livez',
  'ready',
  'readyz',
  'metrics',
  '.well-known',
  'assets',
  'pair',
  'setup',
  'login',
  'device',
];

/** Paths of the product on its own origin, which no route may shadow. The root is one of them. */
export const isReservedPath = (base: string): boolean => {
  const first = base.split('/')[1] ?? '';
  return first === '' || prefixes.includes(first.toLowerCase());
};
