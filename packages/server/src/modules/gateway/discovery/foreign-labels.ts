import { flagOf } from './labels.ts';

export type ForeignProduct = 'traefik' | 'caddy' | 'homepage' | 'homarr';

/** What labels of other products tell about a service. Hints alone: none of them makes a route. */
export interface ForeignHints {
  products: ForeignProduct[];
  /** Host under which another proxy serves it, for a person to read. */
  host: string | null;
  port: number | null;
  scheme: 'http' | 'https' | null;
  name: string | null;
  group: string | null;
  icon: string | null;
  description: string | null;
}

const ruleHost = /Host\(\s*[`"']([^`"']+)[`"']/;

const portIn = (text: string | undefined): number | null => {
  const port = Number(/(\d{1,5})\s*\}*\s*$/.exec(text ?? '')?.[1]);
  return port >= 1 && port <= 65_535 ? port : null;
};

/** An address is shown as a picture, an emoji as itself; names of other icon collections are not ours. */
const iconOf = (text: string | undefined): string | null =>
  text !== undefined && (/^https:\/\/\S+$/.test(text) || /^\p{Extended_Pictographic}/u.test(text)) ? text : null;

const textOf = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

type ProxyHints = Pick<ForeignHints, 'host' | 'port' | 'scheme'>;

const traefik = (labels: Readonly<Record<string, string>>): ProxyHints => {
  const value = (form: RegExp): string | undefined => Object.entries(labels).find(([key]) => form.test(key))?.[1];
  const scheme = value(/^traefik\.http\.services\.[^.]+\.loadbalancer\.server\.scheme$/i);
  return {
    host: ruleHost.exec(value(/^traefik\.http\.routers\.[^.]+\.rule$/i) ?? '')?.[1] ?? null,
    port: portIn(value(/^traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port$/i)),
    scheme: scheme === 'https' || scheme === 'http' ? scheme : null,
  };
};

const caddy = (labels: Readonly<Record<string, string>>): ProxyHints => {
  const target = labels['caddy.reverse_proxy'];
  const site = labels['caddy']?.split(/[\s,]+/)[0];
  return {
    host: site === undefined || site === '' ? null : site.replace(/^https?:\/\//, '').replace(/:\d+$/, ''),
    port: portIn(target),
    scheme: target === undefined ? null : /https/.test(target) ? ('https' as const) : null,
  };
};

export const readForeignLabels = (labels: Readonly<Record<string, string>>): ForeignHints => {
  const keys = Object.keys(labels);
  const has = (product: string): boolean => keys.some((key) => key === product || key.startsWith(`${product}.`));
  const products: ForeignProduct[] = [];
  const byTraefik = has('traefik') && flagOf(labels['traefik.enable']) !== false;
  if (byTraefik) products.push('traefik');
  // caddy-docker-proxy numbers further sites: caddy_0, caddy_1.
  if (has('caddy') || keys.some((key) => /^caddy_\d+(\.|$)/.test(key))) products.push('caddy');
  if (has('homepage')) products.push('homepage');
  if (has('homarr')) products.push('homarr');
  const proxies = [byTraefik ? traefik(labels) : null, caddy(labels)];
  const firstOf = <T>(values: readonly (T | null | undefined)[]): T | null =>
    values.find((value) => value != null) ?? null;
  return {
    products,
    host: firstOf(proxies.map((proxy) => proxy?.host)),
    port: firstOf(proxies.map((proxy) => proxy?.port)),
    scheme: firstOf(proxies.map((proxy) => proxy?.scheme)),
    name: textOf(labels['homepage.name'] ?? labels['homarr.name']),
    group: textOf(labels['homepage.group'] ?? labels['homarr.group']),
    icon: iconOf(labels['homepage.icon'] ?? labels['homarr.icon']),
    description: textOf(labels['homepage.description'] ?? labels['homarr.description']),
  };
};
