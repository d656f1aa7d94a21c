import {
  type Container,
  type ContainerDetails,
  type ContainerStats,
  containersBatch,
  containersGet,
  containersList,
  containersListStats,
  containersPreviewMany,
  containersStats,
  containersStatus,
  type InputOf,
  type Operation,
  type OutputOf,
  toRequest,
} from '@atrium/protocol';
import { ago } from './admin-answers.ts';
import { gatewayAnswers } from './gateway-answers.ts';
import { type Answers, problem } from './recorded-api.ts';

/* Containers as a server answers them. Each answer is kept beside its operation, so that a test holds them against the contract. */

export const containerRecords: { operation: Operation; input: unknown; body: unknown }[] = [];

const answer = <O extends Operation>(operation: O, input: InputOf<O>, body: OutputOf<O>): Answers => {
  containerRecords.push({ operation, input, body });
  const { pathname } = new URL(toRequest(operation, input as Record<string, unknown>).path, 'http://localhost');
  return { [`${operation.method} ${pathname}`]: { status: operation.status, body } };
};

const idOf = (index: number): string =>
  `${(0xc0ffee + index * 7919).toString(16)}${'0123456789abcdef'.repeat(4)}`.slice(0, 64);
const page = <T>(items: T[]) => ({ items, next_cursor: null });

const containerOf = (index: number, fields: Partial<Container> & Pick<Container, 'name' | 'image'>): Container => ({
  ...{ id: idOf(index), state: 'running', health: null, status: 'Up 6 days', kind: 'container', group: null },
  ...{ replicas: null, ports: [], created_at: ago(9000), started_at: ago(8000), own: false, controllable: true },
  app: null,
  ...fields,
});
const port = (inside: number, outside: number | null) => ({
  ...{ private: inside, public: outside, address: outside === null ? null : '127.0.0.1', protocol: 'tcp' },
});

const containers: Container[] = [
  containerOf(0, {
    ...{
      name: 'atrium',
      image: 'ghcr.io/northwind/atrium:0.1.0',
      own: true,
      ports: [port(8080, 8080)],
      health: 'healthy',
    },
  }),
  containerOf(1, {
    ...{ name: 'media-jellyfin-1', image: 'jellyfin/jellyfin:10.11.3', group: 'media', ports: [port(8096, 8096)] },
    ...{ health: 'healthy', app: { slug: 'jellyfin', name: 'Jellyfin' } },
  }),
  containerOf(2, {
    ...{ name: 'media-transcoder-1', image: 'northwind/transcoder:2.4.0', group: 'media', health: 'unhealthy' },
  }),
  containerOf(3, {
    ...{ name: 'notes-db-1', image: 'postgres:18.4', group: 'notes', ports: [port(5432, null)], health: 'healthy' },
  }),
  containerOf(4, {
    ...{ name: 'notes-web-1', image: 'ghcr.io/northwind/notes:5.2.1', group: 'notes', ports: [port(80, 8091)] },
    app: { slug: 'notes', name: 'Notes' },
  }),
  containerOf(5, {
    ...{ name: 'notes-worker-1', image: 'ghcr.io/northwind/notes:5.2.1', group: 'notes', state: 'failed' },
    ...{ status: 'Exited (1) 4 minutes ago', started_at: null },
  }),
  containerOf(6, {
    ...{ name: 'paperless', image: 'paperlessngx/paperless-ngx:2.19.6', ports: [port(8000, 8010)] },
    ...{ state: 'stopped', status: 'Exited (0) 3 weeks ago', started_at: null },
  }),
  containerOf(7, {
    ...{ name: 'ارشيف-الصور', image: 'example/photos:3', state: 'starting', status: 'Restarting (1) 2 seconds ago' },
  }),
];

const statsOf = (id: string, cpu: number, memory: number, limit: number): ContainerStats => ({
  ...{ id, at: ago(0), cpu_percent: cpu, memory_bytes: memory * 2 ** 20, memory_limit_bytes: limit * 2 ** 20 },
  ...{ received_bytes: 1_480_334_221, sent_bytes: 9_204_331_776, read_bytes: 733_216_768, written_bytes: 58_720_256 },
  processes: 43,
});
const stats = [
  statsOf(idOf(0), 3.1, 341, 16_000),
  statsOf(idOf(1), 184.6, 1890, 4096),
  statsOf(idOf(2), 12.4, 498, 512),
  statsOf(idOf(3), 1.8, 212, 1024),
  statsOf(idOf(4), 0.6, 148, 512),
];

export const opened = containers[4]!;
const details: ContainerDetails = {
  ...opened,
  command: ['node', 'server.js', '--port=80'],
  ...{ exit_code: null, restarts: 1, restart_policy: 'unless-stopped' },
  environment: [
    { name: 'TZ', value: 'Europe/Stockholm', secret: false },
    { name: 'DATABASE_URL', value: 'postgres://notes:••••••@db:5432/notes', secret: true },
    { name: 'SESSION_SECRET', value: '••••••', secret: true },
    { name: 'BASE_URL', value: 'https://notes.northwind.example/', secret: false },
  ],
  labels: { 'atrium.enable': 'true', 'atrium.app.id': 'notes', 'com.docker.compose.project': 'notes' },
  mounts: [
    { kind: 'volume', source: 'notes_uploads', target: '/data/uploads', read_only: false },
    { kind: 'bind', source: '/srv/notes/config.yaml', target: '/etc/notes/config.yaml', read_only: true },
  ],
  networks: [{ name: 'notes_default', address: '172.21.0.3' }],
  limits: { memory_bytes: 512 * 2 ** 20, cpus: 1.5 },
};

const ready: OutputOf<typeof containersStatus> = {
  ...{ runtime: 'docker', endpoint: 'unix:///var/run/docker.sock', state: 'ready' },
  can: { read: true, control: true, stats: true, logs: true },
  ...{ missing_rights: [], error: null, hint: null },
};
const rights = 'CONTAINERS=1 EVENTS=1 NETWORKS=1 PING=1 VERSION=1 POST=1 ALLOW_START=1 ALLOW_STOP=1 ALLOW_RESTARTS=1';

const compose = `services:
  web:
    image: ghcr.io/northwind/notes:5.2.1
    command:
      - node
      - server.js
      - --port=80
    environment:
      TZ: Europe/Stockholm
      DATABASE_URL: \${WEB_DATABASE_URL}
      SESSION_SECRET: \${WEB_SESSION_SECRET}
    ports:
      - 127.0.0.1:8091:80
    volumes:
      - notes_uploads:/data/uploads
    restart: unless-stopped
volumes:
  notes_uploads: {}
`;

export const containerAnswers: Answers = {
  ...gatewayAnswers,
  ...answer(containersStatus, {}, ready),
  ...answer(containersList, {}, page(containers)),
  ...answer(containersListStats, {}, page(stats)),
  ...answer(containersGet, { id: opened.id }, details),
  ...answer(containersStats, { id: opened.id }, stats[4]!),
  ...answer(
    containersPreviewMany,
    { ids: [opened.id] },
    {
      compose,
      env: 'WEB_DATABASE_URL=\nWEB_SESSION_SECRET=\n',
      warnings: [
        'web: /srv/notes/config.yaml is a folder of this machine, and its content is not exported',
        'web: volumes are named, and their content is not exported',
        '2 secrets are in .env; keep it out of version control',
      ],
    },
  ),
  ...answer(
    containersBatch,
    { action: 'stop', ids: [opened.id] },
    { done: 1, failed: 0, results: [{ id: opened.id, name: opened.name, ok: true, state: 'stopped', error: null }] },
  ),
};

export const limitedContainers: Answers = {
  ...containerAnswers,
  ...answer(
    containersStatus,
    {},
    {
      ...ready,
      ...{ state: 'limited', can: { ...ready.can, control: false } },
      missing_rights: ['POST', 'ALLOW_START', 'ALLOW_STOP', 'ALLOW_RESTARTS'],
      hint: `Give the socket proxy these rights: ${rights}`,
    },
  ),
};

const socketHint = 'In a container, mount the socket of the engine: -v /var/run/docker.sock:/var/run/docker.sock';
export const noEngine: Answers = {
  ...containerAnswers,
  ...answer(
    containersStatus,
    {},
    {
      ...ready,
      ...{ state: 'unreachable', can: { read: false, control: false, stats: false, logs: false } },
      ...{ error: 'connect ENOENT /var/run/docker.sock', hint: socketHint },
    },
  ),
  'GET /api/v1/containers': problem(
    503,
    'container_runtime_unavailable',
    'The container engine cannot be asked',
    'The container engine does not answer.',
    { missing: [], hint: socketHint },
  ),
  'GET /api/v1/containers/stats': problem(503, 'container_runtime_unavailable', 'Unavailable', 'It does not answer.'),
};

export const noContainers: Answers = {
  ...containerAnswers,
  ...answer(containersList, {}, page<Container>([])),
  ...answer(containersListStats, {}, page<ContainerStats>([])),
};

export const manyContainers: Answers = {
  ...containerAnswers,
  ...answer(
    containersList,
    {},
    page(
      Array.from({ length: 200 }, (_, index) => ({
        ...containers[index % containers.length]!,
        ...{ id: idOf(index + 20), name: `${containers[index % containers.length]!.name}-${index}`, own: false },
      })),
    ),
  ),
};
