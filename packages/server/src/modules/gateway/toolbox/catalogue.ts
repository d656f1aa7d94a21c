import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolboxDanger, ToolboxVariable } from '@atrium/protocol';
import { type ComposeFile, digestOf, fillIn, largestFile, readComposeFile, usesIn } from './compose-file.ts';
import { planOf } from './compose-plan.ts';
import type { ComposeProblem } from './compose-schema.ts';
import { sampleValues, variablesOf } from './template-variables.ts';

/** A folder of the catalogue: what it is called, what it asks for. */
export interface Template {
  id: string;
  source: 'shipped' | 'operator';
  name: string;
  icon: string;
  category: string;
  tags: string[];
  description: string;
  documentation: string | null;
  repository: string | null;
  image_url: string | null;
  /** The service that people open. */
  primary: string;
  images: string[];
  digest: string;
  text: string;
  /** Null: cannot be read; `problem` says why. */
  file: ComposeFile | null;
  problem: string | null;
  variables: ToolboxVariable[];
  dangers: ToolboxDanger[];
}

const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const idForm = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const mostTemplates = 500;

type Labels = Readonly<Record<string, string>>;

const labelsOf = (service: unknown): Labels => {
  const labels = (service as { labels?: unknown } | null)?.labels;
  if (Array.isArray(labels))
    return Object.fromEntries(
      labels.map((line) => {
        const [key, ...value] = String(line).split('=');
        return [key!, value.join('=')];
      }),
    );
  return labels !== null && typeof labels === 'object'
    ? Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]))
    : {};
};

/** Atrium's own name of a label wins over the former one. */
const labelOf = (labels: Labels, key: string): string | null => {
  const value = labels[`atrium.toolbox.${key}`] ?? labels[`nekzus.toolbox.${key}`];
  return value === undefined || value.trim() === '' ? null : value.trim();
};

const webAddress = (text: string | null): string | null =>
  text !== null && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text.slice(0, 500) : null;

const variableLabels = (labels: Labels): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => {
      const name = /^(?:atrium|nekzus)\.toolbox\.variable\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(key)?.[1];
      return name === undefined ? [] : [[name, value.slice(0, 200)]];
    }),
  );

/** The service that bears the name of the template; without one the first. */
const primaryOf = (services: Record<string, unknown>): string => {
  const named = Object.entries(services).find(([, service]) => labelOf(labelsOf(service), 'name') !== null);
  return named?.[0] ?? Object.keys(services)[0] ?? '';
};

const wordsOf = ({ path, message }: ComposeProblem): string => (path === '' ? message : `${path} ${message}`);

/** A template of its text. One that cannot be used is there all the same, with the reason. */
export const templateOf = (id: string, source: Template['source'], text: string): Template => {
  const bare: Template = {
    ...{ id, source, name: id, icon: '📦', category: 'Other', tags: [], description: '', documentation: null },
    ...{ repository: null, image_url: null, primary: '', images: [], digest: digestOf(text), text },
    ...{ file: null, problem: null, variables: [], dangers: [] },
  };
  const read = readComposeFile(text);
  if (!read.ok) return { ...bare, problem: read.problems.map(wordsOf).join('; ') };
  const services = read.value.tree['services'] as Record<string, unknown>;
  const primary = primaryOf(services);
  const labels = labelsOf(services[primary]);
  const described: Template = {
    ...bare,
    name: (labelOf(labels, 'name') ?? id).slice(0, 100),
    icon: (labelOf(labels, 'icon') ?? labels['atrium.app.icon'] ?? '📦').slice(0, 500),
    category: (labelOf(labels, 'category') ?? 'Other').slice(0, 100),
    tags: (labelOf(labels, 'tags') ?? '')
      .split(',')
      .map((tag) => tag.trim().slice(0, 50))
      .filter((tag) => tag !== '')
      .slice(0, 20),
    description: (labelOf(labels, 'description') ?? '').slice(0, 500),
    documentation: webAddress(labelOf(labels, 'documentation')),
    repository: webAddress(labelOf(labels, 'repository_url')),
    image_url: webAddress(labelOf(labels, 'image_url')),
    primary,
  };
  const uses = usesIn(read.value);
  if (!uses.ok) return { ...described, problem: uses.problems.map(wordsOf).join('; ') };
  const variables = variablesOf(uses.value, variableLabels(labels));
  const filled = { ...sampleValues(variables), SERVICE_NAME: id, BASE_URL: `https://${id}.example`, DATA_DIR: '/data' };
  const { document, problems } = fillIn(read.value, filled);
  if (document === null) return { ...described, variables, problem: problems.map(wordsOf).join('; ') };
  const { plan, problems: planning } = planOf(document, { name: id, folder: '/data' });
  const all = [...problems, ...planning];
  return {
    ...described,
    variables,
    images: [...new Set(plan.services.map(({ image }) => image))],
    dangers: plan.dangers,
    file: read.value,
    problem: all.length === 0 ? null : all.map(wordsOf).join('; '),
  };
};

interface Kept {
  mark: string;
  template: Template;
}

const missing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown }).code));

/** The folders of templates, read again when a file changes. */
export class Catalogue {
  readonly #shipped: string;
  readonly #own: () => string | null;
  readonly #kept = new Map<string, Kept>();

  constructor(shipped: string, own: () => string | null) {
    this.#shipped = shipped;
    this.#own = own;
  }

  async #read(path: string, id: string, source: Template['source']): Promise<Template | null> {
    for (const name of fileNames) {
      const file = join(path, name);
      try {
        const { mtimeMs, size } = await stat(file);
        const mark = `${mtimeMs} ${size}`;
        const kept = this.#kept.get(file);
        if (kept?.mark === mark) return kept.template;
        const text = size > largestFile ? '' : await readFile(file, 'utf8');
        const template = templateOf(id, source, text);
        const sized =
          size > largestFile ? { ...template, problem: `is larger than ${largestFile / 1024} KiB` } : template;
        this.#kept.set(file, { mark, template: sized });
        return sized;
      } catch (error) {
        if (!missing(error)) throw error;
      }
    }
    return null;
  }

  async #folder(path: string, source: Template['source']): Promise<Template[]> {
    let entries: string[];
    try {
      entries = await readdir(path);
    } catch (error) {
      if (missing(error)) return [];
      throw error;
    }
    const ids = entries
      .filter((name) => idForm.test(name))
      .toSorted()
      .slice(0, mostTemplates);
    const read = await Promise.all(ids.map((id) => this.#read(join(path, id), id, source)));
    return read.filter((template) => template !== null);
  }

  /** By name. A folder of the operator's own wins over ours of the same name. */
  async all(): Promise<Template[]> {
    const own = this.#own();
    const [ours, theirs] = await Promise.all([
      this.#folder(this.#shipped, 'shipped'),
      own === null ? [] : this.#folder(own, 'operator'),
    ]);
    const byId = new Map([...ours, ...theirs].map((template) => [template.id, template]));
    return [...byId.values()].toSorted((a, b) => a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1));
  }

  async get(id: string): Promise<Template | null> {
    if (!idForm.test(id)) return null;
    const own = this.#own();
    const theirs = own === null ? null : await this.#read(join(own, id), id, 'operator');
    return theirs ?? this.#read(join(this.#shipped, id), id, 'shipped');
  }
}
