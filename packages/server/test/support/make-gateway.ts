import { randomBytes } from 'node:crypto';
import { createGatewayModule, type GatewayModule } from '../../src/modules/gateway/gateway-module.ts';
import type { GatewayParts } from '../../src/modules/gateway/gateway-parts.ts';
import { type GatewaySettings, gatewaySettingsOf } from '../../src/modules/gateway/gateway-settings.ts';
import { readConfig } from '../../src/platform/config/config.ts';
import { newId } from '../../src/platform/ids/ids.ts';
import type { Caller } from '../../src/platform/operations/caller.ts';
import { alone } from '../../src/platform/processes/siblings.ts';
import { SecretBox } from '../../src/platform/secrets/secret-box.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

/** What a server without any setting has. */
export const defaultGatewaySettings = (environment: Record<string, string> = {}): GatewaySettings => {
  const read = readConfig({ environment, file: null });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return gatewaySettingsOf(read.values.config);
};

export interface GatewayTest extends TestDatabase {
  gateway: GatewayModule;
  /** Another process on the same database. */
  another(parts?: Partial<GatewayParts>): GatewayModule;
  secrets: SecretBox;
  settings: { now: GatewaySettings };
  /** Whom `as` of routes.test finds. */
  principals: Map<string, Caller>;
  errors: unknown[];
  notices: { facts: Record<string, unknown>; what: string }[];
  /** Names that resolve, with their addresses. */
  names: Map<string, string[]>;
  directory: { now: string };
}

/** What the control plane needs over a database, without names, lanes and people. */
export const makeGatewayParts = (test: TestDatabase, parts: Partial<GatewayParts> = {}): GatewayParts => {
  const settings = defaultGatewaySettings();
  return {
    ...{ database: test.database, database_url: test.url, clock: test.clock },
    secrets: new SecretBox([randomBytes(32)]),
    settings: () => settings,
    public_url: () => 'http://atrium.example.org:4400',
    own_ports: () => [4400],
    resolve: async () => {
      throw new Error('ENOTFOUND');
    },
    principalIn: async () => null,
    traffic: () => null,
    siblings: alone,
    lanes: () => null,
    waiting_for_restart: () => [],
    config_file: () => '/etc/atrium.yaml',
    onError: () => {},
    onNotice: () => {},
    holder: newId(),
    ...parts,
  };
};

/** A database of its own with the control plane over it. Call `drop` in afterAll; what a test starts it stops. */
export const createGatewayTest = async (
  parts: Partial<GatewayParts> & { probes?: boolean } = {},
): Promise<GatewayTest> => {
  const test = await createTestDatabase();
  const secrets = new SecretBox([randomBytes(32)]);
  const made: Omit<GatewayTest, 'gateway' | 'another'> = {
    ...test,
    secrets,
    settings: { now: defaultGatewaySettings() },
    principals: new Map(),
    errors: [],
    notices: [],
    names: new Map(),
    directory: { now: '/nowhere' },
  };
  const build = (more: Partial<GatewayParts> = {}): GatewayModule =>
    createGatewayModule(
      makeGatewayParts(test, {
        secrets,
        settings: () => made.settings.now,
        resolve: async (host) => {
          const found = made.names.get(host);
          if (found === undefined) throw new Error('ENOTFOUND');
          return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
        },
        principalIn: async (orgId, id) => {
          const found = made.principals.get(id);
          return found?.org_id === orgId ? found : null;
        },
        onError: (error) => void made.errors.push(error),
        onNotice: (facts, what) => void made.notices.push({ facts, what }),
        ...parts,
        ...more,
      }),
      { directory: () => made.directory.now, probes: parts.probes ?? false },
    );
  return { ...made, gateway: build(), another: build };
};
