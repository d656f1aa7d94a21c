import { routeTarget } from '@atrium/protocol';
import { z } from 'zod';
import { firstSlug, titleOf } from './app-slug.ts';
import { rate } from './confidence.ts';
import type { Sighting } from './sighting.ts';

const app = z.looseObject({
  slug: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  name: z.string().max(100).optional(),
  icon: z.string().max(500).optional(),
  tags: z.array(z.string().max(50)).max(20).optional(),
  group: z.string().max(100).nullable().optional(),
  description: z.string().max(500).optional(),
});
const route = z.looseObject({
  slug: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  app: z.string().optional(),
  targets: z.array(z.union([routeTarget, z.string()])).min(1),
});

/** Apps and routes in the form of atrium.yaml. */
const document = z.looseObject({
  apps: z.array(app).max(2000).default([]),
  routes: z.array(route).max(2000).default([]),
});

const portOf = (url: URL): number => (url.port !== '' ? Number(url.port) : url.protocol === 'https:' ? 443 : 80);

/** A proposal for each route of the document. Throws what is wrong with it. */
export const sightingsOfDocument = (url: string, content: unknown): Sighting[] => {
  const parsed = document.safeParse(content);
  if (!parsed.success) throw new Error(`the document is not of the expected form: ${z.prettifyError(parsed.error)}`);
  const apps = new Map(parsed.data.apps.map((one) => [one.slug, one]));
  return parsed.data.routes.map(({ slug, app: of, targets, ...fields }): Sighting => {
    const known = apps.get(of ?? slug);
    const urls = targets.map((target) => (typeof target === 'string' ? routeTarget.parse({ url: target }) : target));
    const first = new URL(urls[0]!.url);
    const port = portOf(first);
    const access = fields['access'];
    return {
      source: 'http',
      fingerprint: `${url}#${slug}`,
      name: known?.name ?? slug,
      addresses: [
        {
          ...{ port, dial_port: port, scheme: first.protocol === 'https:' ? ('https' as const) : ('http' as const) },
          host: first.hostname.replace(/^\[|\]$/g, ''),
        },
      ],
      ...rate({ base: { reason: `listed at ${url}`, adds: 0.8 }, app_id: false, explicit: false, more: [] }),
      app: {
        slug: firstSlug(known?.slug, of, slug),
        name: known?.name ?? titleOf(slug),
        icon: known?.icon ?? '📦',
        tags: known?.tags ?? [],
        group: known?.group ?? null,
        description: known?.description ?? '',
      },
      route: { ...fields, slug, targets: urls, access: typeof access === 'string' ? access : 'signed_in' },
      ...{ explicit: false, vouched: true, container_ref: null, bindings: [] },
    };
  });
};
