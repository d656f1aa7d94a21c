import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Inspected } from '../runtime/runtime.ts';
import { composeFile, envFile } from './compose-file.ts';

const container = (fields: Partial<Inspected> = {}): Inspected => ({
  ...{ id: 'c0ffee', name: 'notes', image: 'example/notes:1.2.3', state: 'running', health: null, status: 'running' },
  ...{ kind: 'container', group: null, replicas: null, ports: [], created_at: null, started_at: null },
  ...{ controllable: true, command: [], entrypoint: [], user: '', working_dir: '', hostname: '', exit_code: null },
  ...{ restarts: 0, restart_policy: null, environment: [], labels: {}, mounts: [], networks: [], network_mode: null },
  limits: { memory_bytes: null, cpus: null },
  ...{ privileged: false, capabilities: { add: [], drop: [] }, devices: [], extra_hosts: [], health_check: null },
  ...fields,
});
const whole = { volumes: true, networks: true };
const written = (fields: Partial<Inspected>, wishes = whole) => {
  const file = composeFile([container(fields)], wishes);
  return { ...file, document: parse(file.compose), service: parse(file.compose).services.notes };
};

describe('the compose file of a container', () => {
  it('has secrets in .env and everything else in place', () => {
    const { service, secrets, compose } = written({
      environment: [
        { name: 'TZ', value: 'Europe/Berlin' },
        { name: 'DB_PASSWORD', value: "it's $ecret" },
        { name: 'DATABASE_URL', value: 'postgres://app:hunter2@db/app' },
        { name: 'PASSWORD_FILE', value: '/run/secrets/x' },
        { name: 'PRICE', value: '5$' },
      ],
    });
    expect(service.environment).toEqual({
      TZ: 'Europe/Berlin',
      DB_PASSWORD: `\${NOTES_DB_PASSWORD}`,
      DATABASE_URL: `\${NOTES_DATABASE_URL}`,
      PASSWORD_FILE: '/run/secrets/x',
      PRICE: '5$$',
    });
    expect(compose).not.toContain('hunter2');
    expect(envFile(secrets, false)).toBe('NOTES_DB_PASSWORD=\nNOTES_DATABASE_URL=\n');
    expect(envFile(secrets, true)).toBe(
      'NOTES_DB_PASSWORD="it\'s \\$ecret"\nNOTES_DATABASE_URL=postgres://app:hunter2@db/app\n',
    );
  });

  it('publishes what was published, where it was', () => {
    const tcp = { address: '0.0.0.0', protocol: 'tcp' };
    const { service } = written({
      ports: [
        { ...tcp, private: 80, public: 8080 },
        { ...tcp, private: 81, public: 8081, address: '127.0.0.1' },
        { ...tcp, private: 82, public: 8082, address: '::1' },
        { ...tcp, private: 53, public: 53, protocol: 'udp' },
        { ...tcp, private: 9000, public: null },
      ],
    });
    expect(service.ports).toEqual(['8080:80', '127.0.0.1:8081:81', '[::1]:8082:82', '53:53/udp']);
  });

  it('keeps or leaves out volumes and networks, and says what that means', () => {
    const fields: Partial<Inspected> = {
      mounts: [
        { kind: 'volume', source: 'data', target: '/data', read_only: false },
        { kind: 'bind', source: '/srv/notes', target: '/etc/notes', read_only: true },
      ],
      networks: [
        { name: 'bridge', address: null, aliases: [] },
        { name: 'web', address: null, aliases: [] },
      ],
    };
    const kept = written(fields);
    expect(kept.service).toMatchObject({ volumes: ['data:/data', '/srv/notes:/etc/notes:ro'], networks: ['web'] });
    expect(kept.document).toMatchObject({ volumes: { data: {} }, networks: { web: {} } });
    expect(kept.warnings.join('\n')).toContain('/srv/notes is a folder of this machine');
    const bare = written(fields, { volumes: false, networks: false });
    expect(Object.keys(bare.service)).toEqual(['image', 'container_name']);
    expect(Object.keys(bare.document)).toEqual(['services']);
    expect(bare.warnings.join('\n')).toContain('its volumes are left out');
  });

  it('warns of what gives a container the machine, and of images without a version', () => {
    const { warnings, service } = written({
      image: 'registry.example:5000/notes',
      privileged: true,
      network_mode: 'host',
      mounts: [{ kind: 'bind', source: '/var/run/docker.sock', target: '/var/run/docker.sock', read_only: false }],
    });
    expect(service).toMatchObject({ privileged: true, network_mode: 'host' });
    for (const word of ['no fixed version', 'privileged', 'network of its machine', 'socket of the engine'])
      expect(warnings.join('\n')).toContain(word);
  });

  it('keeps health check, limits, capabilities and restart', () => {
    const { service } = written({
      restart_policy: 'unless-stopped',
      limits: { memory_bytes: 256 * 2 ** 20, cpus: 1.5 },
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      health_check: {
        test: ['CMD-SHELL', 'curl -f http://localhost/$PATH'],
        ...{ interval_ms: 30_000, timeout_ms: 500, retries: 3, start_ms: 0 },
      },
    });
    expect(service).toMatchObject({
      ...{ restart: 'unless-stopped', mem_limit: '256m', cpus: 1.5, cap_add: ['NET_ADMIN'], cap_drop: ['ALL'] },
      healthcheck: {
        ...{ test: ['CMD-SHELL', 'curl -f http://localhost/$$PATH'], interval: '30s', timeout: '500ms', retries: 3 },
      },
    });
  });

  it('holds several services, of which no two have one name', () => {
    const labels = { 'com.docker.compose.service': 'web', 'com.docker.compose.project': 'a' };
    const { compose } = composeFile([container({ labels }), container({ name: 'other', labels }), container()], whole);
    expect(Object.keys(parse(compose).services)).toEqual(['web', 'web-2', 'notes']);
    expect(parse(compose).services.web).toEqual({ image: 'example/notes:1.2.3' });
  });
});
