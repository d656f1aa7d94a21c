import {
  type AppView,
  appsGet,
  type InputOf,
  type Operation,
  type OutputOf,
  type ToolboxDeployment,
  type ToolboxTemplate,
  type ToolboxTemplateSummary,
  toolboxCancel,
  toolboxDelete,
  toolboxDeploy,
  toolboxDeploymentsGet,
  toolboxDeploymentsList,
  toolboxLogs,
  toolboxStatus,
  toolboxStop,
  toolboxTemplatesGet,
  toolboxTemplatesList,
  toolboxUpdate,
  toolboxValidate,
  toRequest,
} from '@atrium/protocol';
import { adminAnswers, ago } from './admin-answers.ts';
import { type Answers, me, problem } from './recorded-api.ts';

/* The toolbox as a server answers it. Each answer is kept beside its operation, so that a test holds them against the contract. */

export const toolboxRecords: { operation: Operation; input: unknown; body: unknown }[] = [];

const answer = <O extends Operation>(operation: O, input: InputOf<O>, body: OutputOf<O>): Answers => {
  toolboxRecords.push({ operation, input, body });
  const { pathname } = new URL(toRequest(operation, input as Record<string, unknown>).path, 'http://localhost');
  return { [`${operation.method} ${pathname}`]: { status: operation.status, body } };
};

const id = (index: number): string => `01980000-d000-7000-8000-${index.toString(16).padStart(12, '0')}`;
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };
const digest = 'b'.repeat(64);

const tile = (
  template: string,
  name: string,
  icon: string,
  category: string,
  description: string,
  more: Partial<ToolboxTemplateSummary> = {},
): ToolboxTemplateSummary => ({
  ...{ id: template, name, icon, category, description, tags: [], documentation: `https://docs.example/${template}` },
  ...{ repository: null, image_url: null, source: 'shipped', images: [`example/${template}:1`] },
  ...{ dangers: 0, problem: null, deployments: 0 },
  ...more,
});

const longDescription =
  'Dokumente der Buchhaltung und des gesamten Einkaufs, Außenstelle Süd, mit Freigaben in drei Stufen und Ablage nach Jahren.';
const tiles: ToolboxTemplateSummary[] = [
  tile('actual-budget', 'Actual Budget', 'chart', 'Finance', 'Household budget by envelopes, fast and private.'),
  tile('ablage', 'Ablage', '🗂️', 'Documents', longDescription, { source: 'operator' }),
  tile('dozzle', 'Dozzle', 'terminal', 'Monitoring', 'Logs of all containers, live in a page.', { dangers: 1 }),
  tile('forgejo', 'Forgejo', 'git', 'Development', 'Git hosting with issues, reviews, packages and actions.', {
    deployments: 1,
  }),
  tile('grafana', 'Grafana', 'chart', 'Monitoring', 'Dashboards over metrics and logs of everything.'),
  tile('home-assistant', 'Home Assistant', 'house', 'Smart home', 'Home automation that keeps your data at home.'),
  tile('immich', 'Immich', 'image', 'Media', 'Photos and videos of your phones, found by what is on them.', {
    deployments: 2,
  }),
  tile('jellyfin', 'Jellyfin', 'film', 'Media', 'Films, series and music for every screen of the house.'),
  tile('legacy', 'legacy', '📦', 'Other', '', {
    source: 'operator',
    problem: 'services.web.build is not taken: images are not built here; name one in `image`',
  }),
  tile('mosquitto', 'Mosquitto', 'message', 'Smart home', 'Broker of MQTT messages.'),
  tile('nextcloud', 'Nextcloud', 'cloud', 'Files', 'Files, calendars and contacts on your own machine.'),
  tile('paperless-ngx', 'Paperless-ngx', 'file', 'Documents', 'Scanned papers, read and filed.'),
  tile('vaultwarden', 'Vaultwarden', 'key', 'Security', 'Password manager that the apps of Bitwarden speak to.'),
];

const compose = `services:
  paperless:
    image: ghcr.io/paperless-ngx/paperless-ngx:\${PAPERLESS_VERSION:-latest}
    environment:
      PAPERLESS_DBPASS: \${DB_PASSWORD:?password of the database}
    volumes:
      - data:/usr/src/paperless/data
    ports:
      - '\${PORT:-8010}:8000'
volumes:
  data:
`;

const variable = (
  name: string,
  label: string,
  more: Partial<ToolboxTemplate['variables'][number]> = {},
): ToolboxTemplate['variables'][number] => ({
  ...{ name, label, type: 'text', required: false, default: null, generated: false, message: null },
  ...more,
});
const password = (name: string, label: string, message: string | null = null) =>
  variable(name, label, { type: 'password', required: true, generated: true, message });

const described = { ...tiles.find((one) => one.id === 'paperless-ngx')! };
const { dangers: _count, deployments: _installed, ...fields } = described;
export const paperless: ToolboxTemplate = {
  ...fields,
  description: 'Scanned papers, read and filed so that they are found again.',
  tags: ['documents', 'scanner', 'ocr'],
  repository: 'https://github.com/paperless-ngx/paperless-ngx',
  images: ['ghcr.io/paperless-ngx/paperless-ngx:latest', 'redis:8-alpine', 'postgres:17-alpine'],
  ...{ digest, compose, dangers: [], problem: null },
  variables: [
    password('DB_PASSWORD', 'Password of the database'),
    password('SECRET_KEY', 'Key of the sessions', 'signs sessions'),
    password('ADMIN_PASSWORD', 'Password of the first account'),
    variable('ADMIN_USER', 'First account', { default: 'admin' }),
    variable('OCR_LANGUAGE', 'Languages of the papers, such as eng+deu', { default: 'eng' }),
    variable('TZ', 'Time zone', { default: 'Etc/UTC' }),
    variable('PORT', 'Port on this machine', { type: 'number', default: '8010' }),
    variable('CONSUMER_POLLING', 'Look for new papers by itself', { type: 'boolean', default: 'true' }),
  ],
};
const socketDanger = {
  ...{ id: 'docker_socket:dozzle:/var/run/docker.sock', service: 'dozzle', kind: 'docker_socket' as const },
  words: 'controls the container engine by /var/run/docker.sock, and with it this machine',
};
const { dangers: _one, deployments: _none, ...dozzleFields } = tiles.find((one) => one.id === 'dozzle')!;
const dozzle: ToolboxTemplate = {
  ...dozzleFields,
  ...{ digest, compose, dangers: [socketDanger], problem: null },
  variables: [variable('PORT', 'Port on this machine', { type: 'number', default: '8486' })],
};

const plan: OutputOf<typeof toolboxValidate> = {
  name: 'paperless-ngx',
  services: [
    { name: 'broker', container: 'paperless-ngx-broker', image: 'redis:8-alpine', after: [] },
    { name: 'db', container: 'paperless-ngx-db', image: 'postgres:17-alpine', after: [] },
    {
      ...{ name: 'paperless', container: 'paperless-ngx-paperless', after: ['db', 'broker'] },
      image: 'ghcr.io/paperless-ngx/paperless-ngx:latest',
    },
  ],
  networks: ['paperless-ngx_default'],
  volumes: [
    { name: 'paperless-ngx_data', exists: false },
    { name: 'paperless-ngx_media', exists: true },
    { name: 'paperless-ngx_db', exists: false },
  ],
  ports: [{ service: 'paperless', container_port: 8000, host_port: 8010, protocol: 'tcp' }],
  dangers: [],
  missing: ['DB_PASSWORD', 'SECRET_KEY', 'ADMIN_PASSWORD'],
  problems: [],
  route: { slug: 'paperless-ngx', service: 'paperless', container_port: 8000 },
};

const deployment = (index: number, more: Partial<ToolboxDeployment>): ToolboxDeployment => ({
  ...{
    id: id(index),
    name: `app-${index}`,
    digest,
    newer_template: false,
    state: 'running',
    step: null,
    message: null,
  },
  template: { id: 'forgejo', name: 'Forgejo', icon: 'git' },
  ...{ progress: null, variables: [], accepted: [], containers: [], volumes: [], ports: [], registry: null },
  ...{ auto_route: true, app: null, created_by: mara, created_at: ago(60 * 24 * 12), updated_at: ago(40) },
  ...more,
});
export const forgejo = deployment(1, {
  name: 'forgejo',
  newer_template: true,
  variables: [
    { name: 'PORT', value: '3300', secret: false },
    { name: 'INSTALL_LOCK', value: 'true', secret: false },
  ],
  containers: [
    {
      ...{ service: 'forgejo', id: 'f'.repeat(64), name: 'forgejo-forgejo' },
      image: 'codeberg.org/forgejo/forgejo:12',
    },
  ],
  volumes: ['forgejo_data'],
  ports: [{ service: 'forgejo', container_port: 3000, host_port: 3300, protocol: 'tcp' }],
  app: { slug: 'forgejo', name: 'Forgejo', route_id: id(91) },
});
export const pulling = deployment(2, {
  name: 'photos',
  template: { id: 'immich', name: 'Immich', icon: 'image' },
  ...{ state: 'pulling', step: 'pull', created_at: ago(2) },
  progress: {
    percent: 41,
    images: [
      { image: 'ghcr.io/immich-app/postgres:14-vectorchord0.4.3', percent: 100, status: 'Pulled' },
      { image: 'ghcr.io/immich-app/immich-server:release', percent: 63, status: 'Downloading' },
      { image: 'ghcr.io/immich-app/immich-machine-learning:release', percent: null, status: 'Waiting' },
    ],
  },
  variables: [
    { name: 'DB_PASSWORD', value: null, secret: true },
    { name: 'UPLOAD_DIR', value: '/srv/photos', secret: false },
  ],
  accepted: ['bind:immich-server:/srv/photos'],
  volumes: ['photos_db', 'photos_models'],
});
export const failed = deployment(3, {
  name: 'papers-of-the-branch-office-in-the-south',
  template: { id: 'paperless-ngx', name: 'Paperless-ngx', icon: 'file' },
  ...{ state: 'error', step: 'wait', created_at: ago(60 * 5) },
  message: 'paperless is not well: curl: (7) Failed to connect to 127.0.0.1 port 8000; look at its logs.',
  containers: ['db', 'broker', 'paperless'].map((service, i) => ({
    ...{ service, id: String(i).repeat(64), name: `papers-${service}`, image: `example/${service}:1` },
  })),
  volumes: ['papers_data', 'papers_media', 'papers_db'],
});
const stopped = deployment(4, {
  name: 'flows',
  template: { id: 'node-red', name: 'Node-RED', icon: 'network' },
  ...{ state: 'stopped', containers: forgejo.containers, created_at: ago(60 * 24 * 90) },
});
const deployments = [pulling, failed, forgejo, stopped];

const lines = (
  [
    ['stdout', 'Starting Forgejo version 12.0.1'],
    ['stdout', 'ORM engine initialized, 312 migrations done'],
    ['stderr', 'SSH: port 22 is taken inside of the container, listening on 2222'],
    ['stdout', 'Listen: http://0.0.0.0:3000'],
  ] as const
).map(([stream, text], i) => ({ service: 'forgejo', stream, time: `2026-11-20T08:59:0${i}.000Z`, text }));

const status: OutputOf<typeof toolboxStatus> = {
  enabled: true,
  engine: { reachable: true, endpoint: 'unix:///var/run/docker.sock', version: '1.51', problem: null, hint: null },
  data_dir: '/var/lib/atrium/toolbox',
  auto_route: true,
  auto_start: true,
};
const categories = [...Map.groupBy(tiles, ({ category }) => category)]
  .map(([name, of]) => ({ name, templates: of.length }))
  .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const app: AppView = {
  ...{ id: id(90), slug: 'forgejo', name: 'Forgejo', icon: 'git', tags: [], group: null, description: '', position: 0 },
  ...{ source: 'ui', status: 'healthy', latency_ms: 4, pinned: false, version: 1 },
  ...{ created_at: ago(60 * 24 * 12), updated_at: ago(40) },
  routes: [
    {
      ...{ id: id(91), slug: 'forgejo', mode: 'path', access: 'signed_in', status: 'healthy', listens: null },
      shares_origin: true,
      address: 'https://atrium.northwind.example/apps/forgejo/',
    },
  ],
};

/** Without the answers about who is there: for pages of a server that has a session. */
export const toolboxOwn: Answers = Object.assign(
  {},
  answer(toolboxStatus, {}, status),
  answer(toolboxTemplatesList, {}, { enabled: true, categories, items: tiles, next_cursor: null }),
  answer(toolboxTemplatesGet, { template: 'paperless-ngx' }, paperless),
  answer(toolboxTemplatesGet, { template: 'forgejo' }, { ...paperless, id: 'forgejo', name: 'Forgejo' }),
  answer(toolboxTemplatesGet, { template: 'dozzle' }, dozzle),
  answer(toolboxValidate, { template: 'paperless-ngx' }, plan),
  answer(toolboxDeploy, { template: 'paperless-ngx' }, pulling),
  answer(toolboxDeploymentsList, {}, { enabled: true, items: deployments, next_cursor: null }),
  ...deployments.map((one) => answer(toolboxDeploymentsGet, { id: one.id }, one)),
  answer(toolboxLogs, { id: forgejo.id }, { lines }),
  answer(toolboxLogs, { id: failed.id }, { lines: lines.map((line) => ({ ...line, service: 'paperless' })) }),
  answer(toolboxUpdate, { id: forgejo.id }, { ...forgejo, state: 'pending', step: 'validate' }),
  answer(toolboxStop, { id: forgejo.id }, { ...forgejo, state: 'stopping' }),
  answer(toolboxCancel, { id: pulling.id }, { ...pulling, state: 'cancelling' }),
  answer(toolboxDelete, { id: forgejo.id }, null),
  answer(appsGet, { slug: 'forgejo' }, app),
);

export const toolboxAnswers: Answers = { ...adminAnswers, ...toolboxOwn };

const away: OutputOf<typeof toolboxStatus> = {
  ...status,
  engine: {
    ...{ reachable: false, endpoint: 'unix:///var/run/docker.sock', version: null },
    problem: 'There is no socket of Docker at that path.',
    hint: 'When Atrium runs in a container, give it the socket: -v /var/run/docker.sock:/var/run/docker.sock',
  },
};
export const noEngine: Answers = { ...toolboxAnswers, ...answer(toolboxStatus, {}, away) };
export const nothingInstalled: Answers = {
  ...toolboxAnswers,
  ...answer(toolboxDeploymentsList, {}, { enabled: true, items: [], next_cursor: null }),
};
export const withDanger: Answers = {
  ...toolboxAnswers,
  ...answer(
    toolboxValidate,
    { template: 'dozzle' },
    {
      ...{ ...plan, name: 'dozzle', missing: [], volumes: [], dangers: [socketDanger] },
      services: [{ name: 'dozzle', container: 'dozzle-dozzle', image: 'amir20/dozzle:v8', after: [] }],
      ports: [{ service: 'dozzle', container_port: 8080, host_port: 8486, protocol: 'tcp' }],
      route: { slug: 'dozzle', service: 'dozzle', container_port: 8080 },
    },
  ),
};
export const takenPort: Answers = {
  ...toolboxAnswers,
  'POST /api/v1/toolbox/deployments': problem(
    409,
    'toolbox_port_taken',
    'Port taken',
    'The port 8010 that paperless is to have is taken by the container old-papers. Choose another one.',
    { port: 8010 },
  ),
};
