import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type ConfigInput,
  type ConfigValues,
  clientVariables,
  configReference,
  formatProblems,
  readConfig,
} from './config.ts';
import { configKey, configKeys } from './config-keys.ts';
import { boolean } from './value-types.ts';

const packages = join(import.meta.dirname, '../../../..');

const read = (environment: Record<string, string> = {}, file: unknown = null, more: Partial<ConfigInput> = {}) =>
  readConfig({ environment, file, ...more });

function accepted(...args: Parameters<typeof read>): ConfigValues {
  const result = read(...args);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.values;
}

function problemsOf(...args: Parameters<typeof read>): Record<string, string> {
  const result = read(...args);
  if (result.ok) throw new Error('the settings were accepted');
  return Object.fromEntries(result.problems.map(({ key, problem }) => [key, problem]));
}

describe('readConfig', () => {
  it('starts without any setting', () => {
    const { config, secrets } = accepted();
    expect(config.server).toMatchObject({
      host: '127.0.0.1',
      port: 4400,
      publicUrl: 'http://localhost:4400',
      role: 'all',
    });
    expect(config.server.maxUploadBytes).toBe(25 * 2 ** 20);
    expect(config.auth).toEqual({
      sessionTtlMs: 30 * 86_400_000,
      passwordMemoryBytes: 64 * 2 ** 20,
      openRegistration: false,
    });
    expect(config.rateLimits.rest).toEqual({ max: 300, windowMs: 60_000 });
    expect(config.files).toEqual({ storage: 'disk' });
    const { eventSinks, ...single } = secrets;
    expect(Object.values(single).every((secret) => secret === null)).toBe(true);
    expect(eventSinks).toEqual([]);
  });

  it('prefers the environment to the file and the file to the default', () => {
    const file = { server: { port: 5000, host: '0.0.0.0' } };
    expect(accepted({ ATRIUM_PORT: '6000' }, file).config.server).toMatchObject({ port: 6000, host: '0.0.0.0' });
    expect(accepted({ ATRIUM_PORT: '' }, file).config.server.port).toBe(5000);
  });

  it('knows no public address while the port is open', () => {
    expect(accepted({ ATRIUM_PORT: '0' }).config.server.publicUrl).toBeNull();
    expect(accepted({ ATRIUM_PORT: '0', ATRIUM_PUBLIC_URL: 'https://a.example/' }).config.server.publicUrl).toBe(
      'https://a.example',
    );
  });

  it('takes one model for the diaries, of a directory or of a server', () => {
    expect(accepted().config.embeddings).toBeNull();
    expect(accepted({ ATRIUM_EMBEDDINGS_DIR: '/models/e5' }).config.embeddings).toEqual({
      ...{ kind: 'directory', path: '/models/e5' },
      prefixes: { query: 'query: ', passage: 'passage: ' },
    });
    const given = { ATRIUM_EMBEDDINGS_DIR: '/m', ATRIUM_EMBEDDINGS_QUERY_PREFIX: 'ask: ' };
    expect(accepted(given, { embeddings: { passage_prefix: 'none' } }).config.embeddings).toMatchObject({
      prefixes: { query: 'ask: ', passage: '' },
    });
    const url = 'http://127.0.0.1:8080/v1';
    expect(accepted({ ATRIUM_EMBEDDINGS_URL: url }).config.embeddings).toEqual({
      ...{ kind: 'server', url, model: 'e5-small-v2' },
    });
    expect(problemsOf({ ATRIUM_EMBEDDINGS_DIR: '/m', ATRIUM_EMBEDDINGS_URL: url })).toEqual({
      ATRIUM_EMBEDDINGS_DIR: 'cannot be set together with ATRIUM_EMBEDDINGS_URL',
    });
    expect(problemsOf({ ATRIUM_EMBEDDINGS_PASSAGE_PREFIX: 'none' })).toEqual({
      ATRIUM_EMBEDDINGS_PASSAGE_PREFIX: 'is of use with ATRIUM_EMBEDDINGS_DIR alone',
    });
  });

  it('asks for a secret with a hook, and gives no hook more than five seconds', () => {
    const url = 'https://hooks.example.org/token';
    expect(problemsOf({ ATRIUM_HOOK_TOKEN_ISSUING_URL: url })).toEqual({
      ATRIUM_HOOK_SECRET: 'is needed because ATRIUM_HOOK_TOKEN_ISSUING_URL is set',
    });
    expect(problemsOf({ ATRIUM_HOOK_AGENT_URLS: url, ATRIUM_HOOK_TIMEOUT: '6s' })).toEqual({
      ATRIUM_HOOK_SECRET: 'is needed because ATRIUM_HOOK_AGENT_URLS is set',
      ATRIUM_HOOK_TIMEOUT: 'must be between 100 milliseconds and five seconds',
    });
    const { config } = accepted({ ATRIUM_HOOK_TOKEN_ISSUING_URL: url, ATRIUM_HOOK_SECRET: 'sixteen characters' });
    expect(config.hooks).toEqual({ tokenIssuing: { url, policy: 'closed' }, agentUrls: [], timeoutMs: 5000 });
  });

  it('leaves alone what the command line and the SDK read from the same environment', () => {
    const mentioned = new Set(
      globSync('{sdk,cli}/src/**/*.ts', { cwd: packages })
        .filter((path) => !path.includes('.test.'))
        .flatMap((path) =>
          [...readFileSync(join(packages, path), 'utf8').matchAll(/'(ATRIUM_[A-Z_]+)'/g)].map(([, name]) => name!),
        ),
    );
    const settings = Object.values(configKeys).map(({ env }) => env as string);
    expect([...mentioned].filter((name) => !settings.includes(name)).sort()).toEqual([...clientVariables].sort());
    expect(read(Object.fromEntries(clientVariables.map((name) => [name, 'x']))).ok).toBe(true);
  });

  it('reports all wrong values at once, each with an example', () => {
    const result = read(
      { ATRIUM_PORT: '99999', ATRIUM_ROLE: 'boss', ATRIUM_SESSION_TTL: '30', ATRIUM_HOTS: 'x' },
      { server: { max_upload: 'big', prot: 1 }, log: 'debug' },
    );
    expect(result.ok).toBe(false);
    const text = result.ok ? '' : formatProblems(result.problems);
    expect(text).toContain('7 settings are wrong:');
    expect(text).toContain(
      'ATRIUM_PORT must be a whole number from 0 to 65535, not "99999"\n    example: ATRIUM_PORT=8080',
    );
    expect(text).toContain('ATRIUM_ROLE must be one of all, api, worker');
    expect(text).toContain('ATRIUM_SESSION_TTL must be a duration');
    expect(text).toContain('ATRIUM_HOTS is not a setting; ATRIUM_HOST is');
    expect(text).toContain('server.max_upload (atrium.yaml) must be a size');
    expect(text).toContain('server.prot is not a setting; server.port is');
    expect(text).toContain('log must be a group of keys');
  });

  it('reads sizes, durations, rates and lists in the spellings people use', () => {
    const { config } = accepted(
      {
        ATRIUM_MAX_UPLOAD: '500KB',
        ATRIUM_SESSION_TTL: '12h',
        ATRIUM_RATE_LIMIT_REST: '20/15m',
        ATRIUM_RATE_LIMIT_TOOLS: '5/min',
        ATRIUM_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      },
      { server: { cors_origins: ['https://a.example', 'http://b.example:8080/'] } },
    );
    expect(config.server.maxUploadBytes).toBe(500_000);
    expect(config.auth.sessionTtlMs).toBe(43_200_000);
    expect(config.rateLimits.rest).toEqual({ max: 20, windowMs: 900_000 });
    expect(config.rateLimits.tools).toEqual({ max: 5, windowMs: 60_000 });
    expect(config.server.trustedProxies.map(({ bits }) => bits)).toEqual([8, 128]);
    expect(config.server.corsOrigins).toEqual(['https://a.example', 'http://b.example:8080']);
  });

  it.each([
    ['ATRIUM_MAX_UPLOAD', '0'],
    ['ATRIUM_MAX_UPLOAD', '10 parsecs'],
    ['ATRIUM_SESSION_TTL', '0h'],
    ['ATRIUM_PASSWORD_MEMORY', '8MiB'],
    ['ATRIUM_PASSWORD_MEMORY', '2GiB'],
    ['ATRIUM_RATE_LIMIT_REST', '0'],
    ['ATRIUM_RATE_LIMIT_REST', '5/fortnight'],
    ['ATRIUM_TRUSTED_PROXIES', '10.1'],
    ['ATRIUM_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['ATRIUM_PUBLIC_URL', 'https://a.example/path'],
    ['ATRIUM_PUBLIC_URL', 'ftp://a.example'],
    ['ATRIUM_OPEN_REGISTRATION', 'perhaps'],
    ['ATRIUM_MASTER_KEY', 'c2hvcnQ='],
    ['DATABASE_URL', 'mysql://localhost/atrium'],
  ])('refuses %s=%s', (key, value) => {
    expect(Object.keys(problemsOf({ [key]: value }))).toEqual([key]);
  });

  it('asks for what S3 storage, separate roles and client certificates need', () => {
    const needed = ['ATRIUM_S3_ENDPOINT', 'ATRIUM_S3_BUCKET', 'ATRIUM_S3_ACCESS_KEY_ID', 'ATRIUM_S3_SECRET_ACCESS_KEY'];
    expect(Object.keys(problemsOf({ ATRIUM_FILES: 's3' }))).toEqual(needed);
    expect(Object.keys(problemsOf({ ATRIUM_OAUTH_MTLS: 'true' }))).toEqual(['ATRIUM_TRUSTED_PROXIES']);
    expect(Object.keys(problemsOf({ ATRIUM_OAUTH_TRANSACTION_TOKENS: 'true' }))).toEqual(['ATRIUM_OAUTH_TRUST_DOMAIN']);
    expect(problemsOf({ ATRIUM_ROLE: 'worker' })['DATABASE_URL']).toContain('ATRIUM_ROLE is worker');
  });

  it('never shows a secret, neither in a value nor in a problem', () => {
    const { secrets } = accepted({ ATRIUM_SETUP_TOKEN: 'correct-horse-battery' });
    const shown = [String(secrets.setupToken), JSON.stringify(secrets), inspect(secrets), `${secrets.setupToken}`];
    expect(shown.join()).not.toContain('horse');
    expect(secrets.setupToken?.reveal()).toBe('correct-horse-battery');
    expect(
      JSON.stringify(problemsOf({ DATABASE_URL: 'mysql://u:hunter2@db/x', ATRIUM_SETUP_TOKEN: 'hunter2' })),
    ).not.toContain('hunter2');
  });

  it('hands sections and further keys to the parts that declared them', () => {
    const sounds = configKey({
      env: 'ATRIUM_SOUNDS',
      yaml: 'ui.sounds',
      type: boolean,
      default: 'true',
      meaning: 'm',
      example: 'false',
    });
    const values = accepted(
      { ATRIUM_KITCHEN_DATA_DIR: 'a.lan', ATRIUM_SOUNDS: 'off' },
      { kitchen: { default_mode: 'path' }, routes: [] },
      { extraKeys: [sounds], sections: ['kitchen', 'routes'] },
    );
    expect(values.extra(sounds)).toBe(false);
    expect(values.sections['kitchen']).toEqual({
      file: { default_mode: 'path' },
      environment: { ATRIUM_KITCHEN_DATA_DIR: 'a.lan' },
    });
    expect(Object.keys(problemsOf({ ATRIUM_KITCHEN_DATA_DIR: 'a.lan' }, { kitchen: {} }))).toHaveLength(2);
  });

  it('has a default, an example and a row of the manual for every key that accepts them', () => {
    const manual = configReference();
    const pair = { ATRIUM_TLS_MODE: 'files', ATRIUM_TLS_CERT_FILE: 'cert.pem', ATRIUM_TLS_KEY_FILE: 'key.pem' };
    for (const key of Object.values(configKeys)) {
      expect(manual).toContain(`\`${key.env}\``);
      if (key.secret || key.example.startsWith('the ')) continue;
      const s3 = {
        ATRIUM_S3_ENDPOINT: 'https://s3.example',
        ATRIUM_S3_BUCKET: 'b',
        ATRIUM_S3_ACCESS_KEY_ID: 'a',
        ATRIUM_S3_SECRET_ACCESS_KEY: 's',
      };
      accepted({
        DATABASE_URL: 'postgresql://db/x',
        ATRIUM_TRUSTED_PROXIES: '::1',
        ATRIUM_OAUTH_TRUST_DOMAIN: 'x',
        ATRIUM_HOOK_SECRET: 'sixteen characters',
        ATRIUM_FEDERATION_CLUSTER_SECRET: 'thirty-two characters or more than that',
        ...s3,
        ...(key.yaml?.startsWith('tls.') === true ? pair : {}),
        ...(key.yaml?.endsWith('_prefix') === true ? { ATRIUM_EMBEDDINGS_DIR: '/models/e5' } : {}),
        [key.env]: key.example,
      });
    }
  });

  it('reads settings of discovery, lists of documents included, and names what is wrong with them', () => {
    const { config } = accepted(
      { ATRIUM_DISCOVERY_ENABLED: 'false', ATRIUM_DISCOVERY_AUTO_APPROVE_THRESHOLD: '.9' },
      {
        discovery: {
          org: 'home',
          docker: { endpoint: 'tcp://proxy:2375', networks: ['web'], network_mode: 'preferred' },
          http: ['https://a.example.org/apps.json', { url: 'http://192.168.1.4/x', interval: '5m', trust: true }],
        },
      },
    );
    expect(config.discovery).toMatchObject({
      ...{ enabled: 'false', org: 'home', autoApprove: { enabled: false, threshold: 0.9 } },
      docker: { endpoint: 'tcp://proxy:2375', networkMode: 'preferred', networks: ['web'], resyncMs: 300_000 },
      mdns: { enabled: true, services: ['_http._tcp', '_https._tcp'] },
      http: [
        { url: 'https://a.example.org/apps.json', intervalMs: 60_000, trust: false },
        { url: 'http://192.168.1.4/x', intervalMs: 300_000, trust: true },
      ],
    });
    const wrong = {
      docker: { endpoint: 'ftp://x', resync_interval: '1s' },
      http: [{ url: 'https://a.example.org', every: '5m' }],
      auto_approve: { threshold: 1.5 },
      mdns: { services: 'http' },
    };
    expect(Object.keys(problemsOf({}, { discovery: wrong })).toSorted()).toEqual([
      'discovery.auto_approve.threshold (atrium.yaml)',
      'discovery.docker.endpoint (atrium.yaml)',
      'discovery.http (atrium.yaml)',
      'discovery.mdns.services (atrium.yaml)',
    ]);
    expect(Object.keys(problemsOf({ ATRIUM_DISCOVERY_DOCKER_RESYNC_INTERVAL: '1s' }))).toEqual([
      'ATRIUM_DISCOVERY_DOCKER_RESYNC_INTERVAL',
    ]);
  });
});
