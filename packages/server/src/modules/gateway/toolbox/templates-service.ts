import type {
  OutputOf,
  ParsedInputOf,
  ToolboxPlan,
  ToolboxTemplate,
  toolboxStatus,
  toolboxTemplatesList,
  toolboxValidate,
} from '@atrium/protocol';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import type { Template } from './catalogue.ts';
import { deploymentsStore } from './deployments-store.ts';
import { nameFor, wantedInstallation } from './installing.ts';
import { withGenerated } from './template-variables.ts';
import { askEngine, type ToolboxParts } from './toolbox-parts.ts';

const noTemplate = (): AppError => notFound('The template');

const describedBy = (template: Template) => {
  const { id, name, icon, category, tags, description, documentation, repository, image_url, source, images } =
    template;
  return { id, name, icon, category, tags, description, documentation, repository, image_url, source, images };
};

const fits = (template: Template, words: string): boolean =>
  [template.id, template.name, template.description, template.category, ...template.tags]
    .join('\n')
    .toLowerCase()
    .includes(words.toLowerCase());

export type TemplatesService = ReturnType<typeof createTemplatesService>;

/** What could be installed, and what would come of it. */
export const createTemplatesService = (parts: ToolboxParts) => {
  const require = async (id: string): Promise<Template> => {
    const template = parts.settings().enabled ? await parts.catalogue.get(id) : null;
    if (template === null) throw noTemplate();
    return template;
  };

  return {
    list: async (
      { caller }: Call,
      input: ParsedInputOf<typeof toolboxTemplatesList>,
    ): Promise<OutputOf<typeof toolboxTemplatesList>> => {
      const after = textPosition(input.cursor, (id) => id.length <= 64);
      const { enabled } = parts.settings();
      if (!enabled) return { enabled, categories: [], items: [], next_cursor: null };
      const all = await parts.catalogue.all();
      const installed = await deploymentsStore.countByTemplate(parts.database.read, caller.org_id);
      const categories = [...Map.groupBy(all, ({ category }) => category)]
        .map(([name, templates]) => ({ name, templates: templates.length }))
        .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
      const fitting = all.filter(
        (one) =>
          (input.category === undefined || one.category === input.category) &&
          (input.q === undefined || input.q === '' || fits(one, input.q)),
      );
      const from = after === null ? 0 : fitting.findIndex(({ id }) => id === after.id) + 1;
      const page = toPage(
        fitting.slice(from, from + input.limit + 1),
        input.limit,
        ({ name, id }) => ({ value: name, id }),
        (template) => ({
          ...describedBy(template),
          dangers: template.dangers.length,
          problem: template.problem,
          deployments: installed.get(template.id) ?? 0,
        }),
      );
      return { enabled, categories, ...page };
    },

    get: async (_: Call, id: string): Promise<ToolboxTemplate> => {
      const template = await require(id);
      const { digest, text, variables, dangers, problem } = template;
      return { ...describedBy(template), digest, compose: text, variables, dangers, problem };
    },

    validate: async (call: Call, input: ParsedInputOf<typeof toolboxValidate>): Promise<ToolboxPlan> => {
      if (!parts.settings().enabled) throw new AppError('toolbox_off');
      const template = await require(input.template);
      const name = nameFor(template, input.name);
      const values = input.generate ? withGenerated(input.variables, template.variables) : input.variables;
      const { plan, entrance, missing, problems } = wantedInstallation(parts, template, name, values);
      const existing = await askEngine(parts, call.signal, (engine) =>
        Promise.all(plan.volumes.map(async (volume) => (await engine.volume(volume, call.signal)) !== null)),
      ).catch(() => plan.volumes.map(() => false));
      return {
        name,
        services: plan.services.map(({ name: service, container, image, after }) => ({
          ...{ name: service, container, image },
          after: after.map((one) => one.service),
        })),
        networks: plan.networks.map((network) => network.name),
        volumes: plan.volumes.map((volume, i) => ({ name: volume, exists: existing[i] === true })),
        ports: plan.ports,
        dangers: plan.dangers,
        missing: missing.map((one) => one.name),
        problems,
        route:
          entrance === null
            ? null
            : { slug: entrance.app.slug, service: entrance.service, container_port: entrance.container_port },
      };
    },

    status: async ({ signal }: Call): Promise<OutputOf<typeof toolboxStatus>> => {
      const { enabled, data_dir, auto_route, auto_start } = parts.settings();
      const { endpoint } = parts.engine();
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
      const engine = await askEngine(parts, bounded, async ({ version }) => ({
        ...{ reachable: true, endpoint, version, problem: null, hint: null },
      })).catch((error: unknown) => ({
        ...{ reachable: false, endpoint, version: null },
        problem: error instanceof AppError ? error.message : 'Docker did not answer in time.',
        hint: endpoint.startsWith('unix://')
          ? `When Atrium runs in a container, give it the socket: -v ${endpoint.slice('unix://'.length)}:${endpoint.slice('unix://'.length)}`
          : 'Let the socket proxy pass these rights: CONTAINERS, IMAGES, NETWORKS, VOLUMES, POST, VERSION',
      }));
      return { enabled, engine, data_dir, auto_route, auto_start };
    },
  };
};
