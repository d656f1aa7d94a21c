import { parseDocument } from 'yaml';
import { type Imported, type ImportedSite, ImportProblem, type Skipped, site, targetOf } from './imported.ts';

type Json = Record<string, unknown>;
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string | null =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;

/** YAML as plain values; anchors may not grow beyond what a person would write. */
export const readYaml = (text: string): unknown => {
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { strict: true, uniqueKeys: true });
  } catch {
    // Its reader calls itself for each level.
    throw new ImportProblem('This YAML is nested too deeply.');
  }
  const [problem] = document.errors;
  if (problem !== undefined) throw new ImportProblem(problem.message.split('\n')[0]!);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new ImportProblem('The aliases of this YAML grow too large.');
  }
};

interface Rule {
  hosts: string[];
  path: string;
}

const call = /^(\w+)\(([^()]*)\)$/;
const quoted = (args: string): string[] => [...args.matchAll(/[`"']([^`"']*)[`"']/g)].map((match) => match[1]!);

/** Alternatives of hosts, each with at most one path in front; anything else is told and left out. */
export const readRule = (rule: string): Rule[] | string => {
  const rules: Rule[] = [];
  // Brackets around alternatives alone: (Host(`a`) || Host(`b`)) && PathPrefix(`/x`).
  const factored = /^\(([^&]*)\)\s*&&\s*(PathPrefix\([^()]*\))$/.exec(rule.trim());
  const alternatives =
    factored === null ? rule.split('||') : factored[1]!.split('||').map((part) => `${part.trim()} && ${factored[2]!}`);
  for (const alternative of alternatives) {
    const found: Rule = { hosts: [], path: '/' };
    for (const part of alternative.split('&&')) {
      const match = call.exec(part.trim().replace(/^\((.*)\)$/, '$1'));
      if (match === null) return `the rule ${rule} is more than hosts and path prefixes`;
      const [, name, args] = match;
      const values = quoted(args!);
      if (name === 'Host' && found.hosts.length === 0) found.hosts = values.map((value) => value.toLowerCase());
      else if (name === 'PathPrefix' && values.length === 1 && found.path === '/') found.path = values[0]!;
      else return `${name} is not read in rules`;
    }
    rules.push(found);
  }
  const [first] = rules;
  return rules.every(({ path }) => path === first!.path)
    ? [{ hosts: [...new Set(rules.flatMap(({ hosts }) => hosts))], path: first!.path }]
    : rules;
};

const noted: Readonly<Record<string, string>> = {
  basicauth: 'people sign in here; add the filter basic_auth when another password is wanted',
  forwardauth: 'this server asks for the sign-in itself',
  ipallowlist: 'add the filter ip_allow to the route',
  ipwhitelist: 'add the filter ip_allow to the route',
  ratelimit: 'add the filter rate to the route',
  redirectscheme: 'HTTPS is chosen for the whole server',
  redirectregex: 'paths are not rewritten',
  replacepath: 'paths are not rewritten',
  replacepathregex: 'paths are not rewritten',
  headers: 'add the filter headers to the route',
  compress: 'switch compress on at the route',
};

const mostRouters = 2000;

const byKey = (object: Json, wanted: string): unknown =>
  Object.entries(object).find(([key]) => key.toLowerCase() === wanted.toLowerCase())?.[1];

/** Routers, services and middlewares below `http`. */
export const readHttp = (http: Json, fallback: (service: string | null) => string | null = () => null): Imported => {
  const sites: ImportedSite[] = [];
  const skipped: Skipped[] = [];
  const routers = objectOf(byKey(http, 'routers'));
  if (Object.keys(routers).length > mostRouters) throw new ImportProblem(`There are more than ${mostRouters} routers.`);
  const services = objectOf(byKey(http, 'services'));
  const middlewares = objectOf(byKey(http, 'middlewares'));
  for (const [name, value] of Object.entries(routers)) {
    const router = objectOf(value);
    const what = `router ${name}`;
    const rule = textOf(byKey(router, 'rule'));
    if (rule === null) {
      skipped.push({ line: null, what, reason: 'it has no rule' });
      continue;
    }
    const rules = readRule(rule);
    if (typeof rules === 'string') {
      skipped.push({ line: null, what, reason: rules });
      continue;
    }
    const wanted =
      textOf(byKey(router, 'service'))?.replace(/@.*$/, '') ??
      (Object.keys(services).length === 1 ? Object.keys(services)[0]! : name);
    const balancer = objectOf(byKey(objectOf(byKey(services, wanted)), 'loadBalancer'));
    const servers = byKey(balancer, 'servers');
    const urls = Array.isArray(servers) ? servers.map((server) => textOf(byKey(objectOf(server), 'url')) ?? '') : [];
    const known = urls.length > 0 ? urls : [fallback(wanted) ?? ''];
    const targets = known.flatMap((url) => {
      const target = targetOf(url);
      return target === null ? [] : [{ url: target, weight: 1 }];
    });
    if (targets.length === 0) {
      skipped.push({ line: null, what, reason: `the service ${wanted} has no address here` });
      continue;
    }
    let strip = false;
    const chain = byKey(router, 'middlewares');
    const names = Array.isArray(chain) ? chain.map(textOf) : (textOf(chain) ?? '').split(',');
    for (const one of names) {
      const middleware = one?.trim().replace(/@.*$/, '') ?? '';
      for (const kind of Object.keys(objectOf(byKey(middlewares, middleware)))) {
        if (kind.toLowerCase() === 'stripprefix') strip = true;
        else
          skipped.push({
            line: null,
            what: `middleware ${middleware}`,
            reason: noted[kind.toLowerCase()] ?? `${kind} has no counterpart`,
          });
      }
    }
    for (const { hosts, path } of rules) sites.push(site({ name, hosts, path, strip: strip && path !== '/', targets }));
  }
  for (const kind of ['tcp', 'udp'])
    if (kind in http) skipped.push({ line: null, what: kind, reason: 'raw connections are not passed on' });
  return { sites, skipped };
};

/** `traefik.http.routers.a.rule=…` as the object that a file would hold. */
export const unfold = (labels: Readonly<Record<string, string>>): Json => {
  const root: Json = Object.create(null) as Json;
  for (const [key, value] of Object.entries(labels)) {
    if (!/^traefik\./i.test(key)) continue;
    const parts = key.split('.').slice(1);
    if (parts.length > 10) continue;
    let place = root;
    for (const part of parts.slice(0, -1)) {
      const next = place[part];
      if (typeof next !== 'object' || next === null) place[part] = Object.create(null) as Json;
      place = place[part] as Json;
    }
    place[parts.at(-1)!] = value;
  }
  return root;
};

/** Where labels say the port of a service; the host is the name of the container. */
export const portOfLabels = (http: Json, service: string | null): { port: string | null; scheme: string } => {
  const services = objectOf(byKey(http, 'services'));
  const found = byKey(services, service ?? '') ?? Object.values(services)[0];
  const server = objectOf(byKey(objectOf(byKey(objectOf(found), 'loadBalancer')), 'server'));
  const scheme = textOf(byKey(server, 'scheme'));
  return { port: textOf(byKey(server, 'port')), scheme: scheme === 'https' ? 'https' : 'http' };
};

const labelLine = /^(?:- ?)?["']?(traefik\.[^=:\s"']+)["']? ?[=:](.*)$/i;
const longestLine = 4096;

/** The dynamic configuration as YAML, or labels, one a line. */
export const importTraefik = (text: string): Imported => {
  const labels: Record<string, string> = {};
  for (const whole of text.split('\n')) {
    const line = whole.trim();
    const match = line.length > longestLine ? null : labelLine.exec(line);
    if (match !== null) labels[match[1]!] = match[2]!.trim().replace(/^["']|["']$/g, '');
  }
  if (Object.keys(labels).length > 0) {
    const http = objectOf(unfold(labels)['http']);
    const { sites, skipped } = readHttp(http, (service) => {
      const { port, scheme } = portOfLabels(http, service);
      return port === null || service === null ? null : `${scheme}://${service}:${port}`;
    });
    return { sites, skipped };
  }
  const document = objectOf(readYaml(text));
  const http = objectOf(document['http']);
  if (Object.keys(http).length === 0)
    throw new ImportProblem('There is no http section: the dynamic configuration is wanted, not the static one.');
  const { sites, skipped } = readHttp(http);
  for (const kind of ['tcp', 'udp'])
    if (kind in document) skipped.push({ line: null, what: kind, reason: 'raw connections are not passed on' });
  return { sites, skipped };
};
