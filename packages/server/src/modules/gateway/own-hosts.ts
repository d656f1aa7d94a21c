import { hostname } from 'node:os';

const nameOf = (origin: string): string[] => (URL.canParse(origin) ? [new URL(origin).hostname] : []);

/** Names under which the server itself is reached; no route may have one of them. */
export const ownHosts = (publicUrl: string, extra: readonly string[]): string[] => {
  const machine = hostname().toLowerCase();
  const bare = machine.replace(/\.local$/, '');
  const names = [...nameOf(publicUrl), 'localhost', bare, `${bare}.local`, machine, ...extra];
  return [...new Set(names.map((name) => name.toLowerCase().replace(/\.$/, '')).filter((name) => name !== ''))];
};
