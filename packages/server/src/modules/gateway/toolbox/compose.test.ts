// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose are written so.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../test/support/rest-client.ts';
import { configsArchive, containerBody } from './container-body.ts';
import { installationOf } from './installation.ts';

const context = { name: 'app', data_dir: '/srv/toolbox', base_url: 'https://atrium.example/apps/app' };
const of = (text: string, values: Record<string, string> = {}) => installationOf(text, values, context);
const service = (lines: string, rest = '') =>
  of(`services:\n  web:\n    image: nginx:1\n${lines.replace(/^/gm, '    ')}\n${rest}`);
const problems = (lines: string, rest = '') => service(lines, rest).problems.map(({ path }) => path);
const planned = (lines: string, rest = '') => {
  const { plan, problems: found } = service(lines, rest);
  expect(found).toEqual([]);
  return plan.services[0]!;
};
const body = (lines: string, rest = '') =>
  containerBody(planned(lines, rest), [], { deployment: 'd', org: 'o', generation: 1 }, {}) as Json;

describe('what is not known is refused by its name', () => {
  it.each([
    ['build: .', 'services.web.build'],
    ['env_file: .env', 'services.web.env_file'],
    ['container_name: x', 'services.web.container_name'],
    ['colour: red', 'services.web.colour'],
    ['deploy: {replicas: 3}', 'services.web.deploy.replicas'],
    ['deploy: {resources: {limits: {gpus: 1}}}', 'services.web.deploy.resources.limits.gpus'],
    ['healthcheck: {test: [CMD, x], often: 3s}', 'services.web.healthcheck.often'],
    ['ports: [{target: 80, colour: red}]', 'services.web.ports.0.colour'],
    [
      'volumes: [{type: bind, source: /a, target: /b, bind: {propagation: shared}}]',
      'services.web.volumes.0.bind.propagation',
    ],
    ['depends_on: {db: {when: now}}', 'services.web.depends_on.db.when'],
    ['networks: {default: {ipv4_address: 10.0.0.2}}', 'services.web.networks.default.ipv4_address'],
  ])('%s', (lines, path) => {
    expect(problems(lines)).toEqual([path]);
  });
  it('also below volumes, networks and at the top', () => {
    expect(problems('', 'secrets: {}')).toEqual(['secrets']);
    expect(problems('', 'volumes: {data: {external: true}}')).toEqual(['volumes.data.external']);
    expect(problems('', 'volumes: {data: {driver_opts: {type: none, o: bind, device: /etc}}}')).toEqual([
      'volumes.data.driver_opts',
    ]);
    expect(problems('', 'networks: {net: {driver: macvlan}}')).toEqual(['networks.net.driver']);
  });
  it('while notes of x- are left alone', () => {
    expect(problems('x-note: 1', 'x-common: {a: b}')).toEqual([]);
  });
});

it.each([
  ['ports: ["a:80"]', 'services.web.ports.0'],
  ['ports: ["1:2:3:4"]', 'services.web.ports.0'],
  ['ports: ["8080:80", "8080:81"]', 'services.web.ports'],
  ['ports: ["70000:80"]', 'services.web.ports.0'],
  ['volumes: ["data:/x"]', 'services.web.volumes.0'],
  ['volumes: ["./x:relative"]', 'services.web.volumes.0'],
  ['volumes: ["~/x:/y"]', 'services.web.volumes.0'],
  ['networks: [gone]', 'services.web.networks.gone'],
  ['depends_on: [gone]', 'services.web.depends_on.gone'],
  ['depends_on: [web]', 'services'],
  ['environment: [PATH]', 'services.web.environment.PATH'],
  ['environment: {PATH: }', 'services.web.environment.PATH'],
  ['mem_limit: much', 'services.web.mem_limit'],
  ['healthcheck: {test: [curl, x]}', 'services.web.healthcheck.test'],
  ['healthcheck: {test: x, interval: often}', 'services.web.healthcheck.interval'],
  ["command: 'echo \"open'", 'services.web.command'],
  ['restart: sometimes', 'services.web.restart'],
  ['network_mode: service:db', 'services.web.network_mode'],
  ['configs: [gone]', 'services.web.configs.0'],
  ['privileged: perhaps', 'services.web.privileged'],
])('%s is told where it stands', (lines, path) => {
  expect(problems(lines)).toEqual([path]);
});

it('both ways to write things mean the same', () => {
  expect(body('environment: {A: 1, B: "two"}').Env).toEqual(body('environment: [A=1, B=two]').Env);
  expect(body('command: sh -c "echo \'a b\'"').Cmd).toEqual(['sh', '-c', "echo 'a b'"]);
  expect(planned('ports: ["127.0.0.1:8080:80/udp", "443", "3000-3001:4000-4001"]').ports).toEqual([
    { container_port: 80, host_port: 8080, protocol: 'udp' },
    { container_port: 443, host_port: null, protocol: 'tcp' },
    { container_port: 4000, host_port: 3000, protocol: 'tcp' },
    { container_port: 4001, host_port: 3001, protocol: 'tcp' },
  ]);
  expect(planned('ports: [{target: 80, published: "8080", host_ip: 0.0.0.0}]').ports).toEqual([
    { container_port: 80, host_port: 8080, protocol: 'tcp' },
  ]);
  expect(
    body('volumes: [{type: bind, source: ./a, target: /b, read_only: true}, "./c/../d:/e:ro"]').HostConfig.Binds,
  ).toEqual(['/srv/toolbox/app/a:/b:ro', '/srv/toolbox/app/d:/e:ro']);
});

it('limits, rights and checks arrive in the measures of the engine', () => {
  const made = body(`
user: 1000
init: true
read_only: "true"
privileged: false
stop_grace_period: 1m30s
cpus: 1.5
mem_limit: 512m
shm_size: 64mb
pids_limit: 100
cap_drop: [ALL]
cap_add: [NET_BIND_SERVICE]
tmpfs: /run:size=16m
ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 64}
extra_hosts: {host.docker.internal: host-gateway}
logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
restart: on-failure:3
healthcheck: {test: "curl -f http://x", interval: 10s, timeout: 500ms, retries: "3", start_period: 1m}
`);
  expect(made).toMatchObject({
    User: '1000',
    StopTimeout: 90,
    Healthcheck: {
      Test: ['CMD-SHELL', 'curl -f http://x'],
      Interval: 10e9,
      Timeout: 5e8,
      Retries: 3,
      StartPeriod: 60e9,
    },
    HostConfig: {
      ...{
        Init: true,
        ReadonlyRootfs: true,
        NanoCpus: 1.5e9,
        Memory: 536_870_912,
        ShmSize: 67_108_864,
        PidsLimit: 100,
      },
      ...{ CapDrop: ['ALL'], CapAdd: ['NET_BIND_SERVICE'], Tmpfs: { '/run': 'size=16777216' } },
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 2048 },
        { Name: 'nproc', Soft: 64, Hard: 64 },
      ],
      ExtraHosts: ['host.docker.internal:host-gateway'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    },
  });
  expect(body('').HostConfig.RestartPolicy).toEqual({ Name: 'unless-stopped', MaximumRetryCount: 0 });
  expect(body('deploy: {resources: {limits: {cpus: "0.5", memory: 1g, pids: 10}}}').HostConfig).toMatchObject({
    ...{ NanoCpus: 5e8, Memory: 1024 ** 3, PidsLimit: 10 },
  });
});

it('G37: what lets a container out of its box is named, one by one', () => {
  const dangers = (lines: string) => service(lines).plan.dangers.map(({ id }) => id);
  expect(dangers('privileged: true')).toEqual(['privileged:web']);
  expect(dangers('network_mode: host')).toEqual(['host_network:web']);
  expect(dangers('pid: host')).toEqual(['host_pid:web']);
  expect(dangers('ipc: host')).toEqual(['host_ipc:web']);
  expect(dangers('volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]')).toEqual([
    'docker_socket:web:/var/run/docker.sock',
  ]);
  expect(dangers('volumes: ["/etc:/host", "/:/root"]')).toEqual(['bind:web:/etc', 'bind:web:/']);
  expect(dangers('volumes: ["../other:/x", "/srv/toolbox/app-2:/y", "/srv/toolbox/app/../..:/z"]')).toEqual([
    'bind:web:/srv/toolbox/other',
    'bind:web:/srv/toolbox/app-2',
    'bind:web:/srv',
  ]);
  expect(dangers('devices: ["/dev/dri"]')).toEqual(['device:web:/dev/dri']);
  expect(dangers('cap_add: [cap_sys_admin, NET_ADMIN, CHOWN, ALL]')).toEqual([
    'capability:web:SYS_ADMIN',
    'capability:web:NET_ADMIN',
    'capability:web:ALL',
  ]);
  expect(dangers('security_opt: ["no-new-privileges:true", "seccomp=unconfined"]')).toEqual([
    'security:web:seccomp=unconfined',
  ]);
  expect(dangers('volumes: ["./data:/x", "/srv/toolbox/app/y:/y", "/anonymous"]')).toEqual([]);
});

it('a danger that comes in by a variable is seen as well', () => {
  const text = 'services: {web: {image: a, volumes: ["${DIR:-./media}:/media"], privileged: "${ALL:-false}"}}';
  expect(of(text).plan.dangers).toEqual([]);
  expect(of(text, { DIR: '/etc', ALL: 'true' }).plan.dangers.map(({ id }) => id)).toEqual([
    'privileged:web',
    'bind:web:/etc',
  ]);
});

it('services start after what they depend on, and files of configs become an archive', () => {
  const { plan, problems: found } = of(`
services:
  web: {image: a, depends_on: {api: {condition: service_healthy}}, configs: [{source: c, target: /etc/c.conf, mode: 0400}]}
  api: {image: b, depends_on: [db, init]}
  init: {image: d}
  db: {image: c}
configs: {c: {content: "port = \${PORT:-80}"}}
networks: {default: }
`);
  expect(found).toEqual([]);
  expect(plan.services.map(({ name }) => name)).toEqual(['init', 'db', 'api', 'web']);
  expect(plan.services[3]!.configs).toEqual([{ target: '/etc/c.conf', content: 'port = 80', mode: 0o400 }]);
  const archive = configsArchive(plan.services[3]!, new Date(0))!;
  expect(archive.toString('latin1', 0, 10)).toBe('etc/c.conf');
  expect(archive.length % 512).toBe(0);
});

it('ports are bound to loopback alone, also those that are only exposed', () => {
  const { plan, entrance } = service('expose: ["8080"]\nlabels: {atrium.toolbox.name: Web}');
  expect(entrance).toMatchObject({ service: 'web', container_port: 8080, app: { slug: 'app', name: 'Web' } });
  expect(plan.ports).toEqual([{ service: 'web', container_port: 8080, host_port: null, protocol: 'tcp' }]);
  const made = containerBody(
    plan.services[0]!,
    [{ container_port: 8080, host_port: 20_123, protocol: 'tcp' }],
    { deployment: 'd', org: 'o', generation: 2 },
    {},
  ) as Json;
  expect(made.HostConfig.PortBindings).toEqual({ '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '20123' }] });
  expect(made.Labels).toMatchObject({ 'atrium.deployment': 'd', 'atrium.deployment.generation': '2' });
});

it('files that are no Compose files, too large or too deep are refused', () => {
  expect(of('').problems).toHaveLength(1);
  expect(of('- a').problems).toHaveLength(1);
  expect(of('services: {}').problems.map(({ message }) => message)).toEqual(['has none']);
  expect(of(`services: {web: {image: "${'x'.repeat(70_000)}"}}`).problems[0]!.message).toContain('64 KiB');
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]}, `.repeat(9)}]`),
  ];
  expect(of(`${bomb.join('\n')}\nservices: {web: {image: a, command: *h}}`).problems).toHaveLength(1);
});
