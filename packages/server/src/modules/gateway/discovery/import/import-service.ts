import { type discoveryImport, type OutputOf, type ParsedInputOf, routesCreate } from '@atrium/protocol';
import { storableJson } from '../../../../platform/db/storable.ts';
import { invalid } from '../../../../platform/errors/app-error.ts';
import { newId } from '../../../../platform/ids/ids.ts';
import type { Call } from '../../../../platform/operations/call.ts';
import { recipeOfImage, routeOfRecipe } from '../../recipes/recipes.ts';
import { titleOf } from '../app-slug.ts';
import { emitProposal } from '../discovery-events.ts';
import type { DiscoveryParts } from '../discovery-parts.ts';
import { factsOf } from '../intake-service.ts';
import { knownImage } from '../known-images.ts';
import { readLabels } from '../labels.ts';
import { proposalsStore } from '../proposals-store.ts';
import type { SightedAddress, Sighting } from '../sighting.ts';
import { suggestApp, suggestRoute } from '../suggestion.ts';
import { importCompose } from './compose.ts';
import { type Imported, type ImportedSite, ImportProblem, type Skipped } from './imported.ts';
import { importNginx } from './nginx.ts';
import { importTraefik } from './traefik.ts';

type Input = ParsedInputOf<typeof discoveryImport>;
type Output = OutputOf<typeof discoveryImport>;

const readers: Readonly<Record<Input['format'], (text: string) => Imported>> = {
  traefik: importTraefik,
  nginx: importNginx,
  compose: importCompose,
};
const titles = { traefik: 'Traefik', nginx: 'nginx', compose: 'a compose file' } as const;
const mostSites = 200;
const mostSkipped = 500;

const addressOf = (target: string): SightedAddress => {
  const url = new URL(target);
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { port, scheme, host: url.hostname.replace(/^\[|\]$/g, ''), dial_port: port };
};

/** Where people open it: by the host that the other proxy had, below a path when there was none. */
const placeOf = (one: ImportedSite, slug: string): Record<string, unknown> => {
  const path = one.path.endsWith('/') || one.path === '' ? one.path : `${one.path}/`;
  if (one.hosts.length > 0)
    return {
      mode: 'host',
      hosts: one.hosts.slice(0, 20),
      ...(path === '/' ? {} : { host_path: path, strip_prefix: one.strip }),
    };
  // The app expects the path it had; only one that was taken off before may become another.
  return path === '/' ? {} : { path_base: `/apps${path}`, ...(one.strip ? {} : { strip_prefix: false }), slug };
};

const sightingOf = (format: Input['format'], one: ImportedSite): Sighting => {
  const reading = readLabels(one.labels);
  const image = one.image === null ? null : knownImage(one.image);
  const recipe = one.image === null ? null : recipeOfImage(one.image);
  const label = one.hosts[0]?.split('.')[0] ?? null;
  const app = suggestApp(reading, {
    names: [format === 'nginx' ? label : one.name, one.name],
    name: image?.name ?? titleOf(format === 'nginx' && label !== null ? label : one.name),
    icon: image?.icon,
    tags: image?.tags,
  });
  const { slug: _slug, ...place } = placeOf(one, app.slug);
  return {
    source: 'file',
    fingerprint: `import:${format}:${one.name}:${one.hosts[0] ?? ''}${one.path}`.slice(0, 500),
    name: one.name.slice(0, 200),
    addresses: one.targets.map(({ url }) => addressOf(url)).slice(0, 1),
    confidence: 0.7,
    reasons: [{ reason: `read from ${titles[format]}`, adds: 0.7 }],
    app,
    route: {
      ...(recipe === null ? {} : routeOfRecipe(recipe)),
      ...suggestRoute(reading, app.slug),
      ...place,
      ...(one.websockets === null ? {} : { websockets: one.websockets }),
      ...(one.targets.length > 1 ? { targets: one.targets.slice(0, 20) } : {}),
    },
    // Whoever pasted it may not be who runs this machine: private addresses wait for an operator.
    ...{ explicit: false, vouched: false, container_ref: null, bindings: [] },
  };
};

/** A route that could not be made as it stands would only disappoint later. */
const problemOf = (sighting: Sighting): string | null => {
  const { targets = [{ url: 'http://127.0.0.1' }], ...route } = sighting.route;
  const asked = { ...route, targets, slug: sighting.app.slug, app_id: newId() };
  const parsed = routesCreate.input.safeParse(asked);
  if (parsed.success) return null;
  const [issue] = parsed.error.issues;
  return `${issue!.path.join('.')} ${issue!.message}`;
};

const read = (input: Input): Imported => {
  try {
    return readers[input.format](input.text);
  } catch (error) {
    if (error instanceof ImportProblem) throw invalid('text', error.message);
    throw error;
  }
};

/** Turns configurations of other proxies into proposals of the caller's organisation. */
export const createImportService = (parts: DiscoveryParts) => ({
  import: async (call: Call, input: Input): Promise<Output> => {
    const { sites, skipped } = read(input);
    const left: Skipped[] = [...skipped];
    const seen = new Map<string, { sighting: Sighting; target: string }>();
    for (const one of sites) {
      const sighting = storableJson({ ...sightingOf(input.format, one) }) as unknown as Sighting;
      const problem = problemOf(sighting);
      if (problem !== null) left.push({ line: one.line, what: one.name, reason: problem });
      else if (seen.has(sighting.fingerprint))
        left.push({ line: one.line, what: one.name, reason: 'it stands there twice' });
      else if (seen.size === mostSites)
        left.push({ line: one.line, what: one.name, reason: `only ${mostSites} are taken at once` });
      else seen.set(sighting.fingerprint, { sighting, target: one.targets[0]!.url });
    }
    const { org_id } = call.caller;
    const found = await parts.database.transaction(call, async (tx) => {
      const keys = [...seen.keys()].map((fingerprint) => ['file', fingerprint] as const);
      const known = new Map((await proposalsStore.lockMany(tx.db, org_id, keys)).map((row) => [row.fingerprint, row]));
      const at = parts.clock.now();
      const result: Output['found'] = [];
      for (const [fingerprint, { sighting, target }] of seen) {
        const row = known.get(fingerprint);
        const facts = factsOf(sighting);
        const shown = { name: sighting.name, target, route: { ...sighting.route } };
        if (row !== undefined && row.state !== 'pending') {
          result.push({ ...shown, outcome: 'decided', proposal_id: row.id });
          continue;
        }
        const id = row?.id ?? newId();
        if (!input.dry_run) {
          if (row === undefined) await proposalsStore.insertMany(tx.db, org_id, at, [{ ...facts, id }]);
          else await proposalsStore.update(tx.db, org_id, id, at, facts);
          const written = (await proposalsStore.lock(tx.db, org_id, id))!;
          emitProposal(tx, row === undefined ? 'found' : 'updated', written);
        }
        result.push({
          ...shown,
          outcome: row === undefined ? 'new' : 'updated',
          proposal_id: input.dry_run && row === undefined ? null : id,
        });
      }
      if (!input.dry_run) {
        const details = { format: input.format, found: result.length, skipped: left.length };
        tx.audit({ action: 'discovery.import', target_type: 'org', target_id: org_id, details });
      }
      return result;
    });
    return { found, skipped: left.slice(0, mostSkipped) };
  },
});

export type ImportService = ReturnType<typeof createImportService>;
