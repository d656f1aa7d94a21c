import { hkdfSync, randomBytes } from 'node:crypto';
import type { IdentityOptions } from '../../src/modules/identity/index.ts';
import { createOauth, type Oauth } from '../../src/modules/oauth/index.ts';
import { type OauthConfig, readConfig } from '../../src/platform/config/config.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import { createGuardedFetch } from '../../src/platform/net/guarded-fetch.ts';
import { SecretBox } from '../../src/platform/secrets/secret-box.ts';
import { makeIdentity } from './make-identity.ts';
import type { TestDatabase } from './test-database.ts';

const defaults = (): OauthConfig => {
  const read = readConfig({ environment: {}, file: null });
  if (!read.ok) throw new Error('The defaults are wrong.');
  return read.values.config.oauth;
};

/** The key that replicas of one test share. */
export const testMasterKey = randomBytes(32);

/** The authorization server over a database of a test; several stand for replicas. */
export const makeOauth = (
  test: TestDatabase,
  config: Partial<OauthConfig> = {},
  options: Partial<IdentityOptions> = {},
): Oauth => {
  const { database, clock, url } = test;
  const limiter = createPostgresLimiter(database.read, clock);
  const identity = makeIdentity(test, { options });
  return createOauth({
    database,
    database_url: url,
    clock,
    limiter,
    identity,
    secrets: new SecretBox([testMasterKey]),
    keysFor: (purpose) => [new Uint8Array(hkdfSync('sha256', testMasterKey, '', purpose, 32))],
    guardedFetch: createGuardedFetch(),
    public_url: () => 'http://localhost:4400',
    config: { ...defaults(), ...config },
    certificates: null,
    hooks: null,
    requests: { take: () => ({ allowed: true, limit: 1, remaining: 1, reset_s: 1 }) },
    address_rule: () => ({ limit: 1000, window_s: 60 }),
    count: () => {},
    validated: () => {},
    refreshed: () => {},
    alerted: () => {},
    refused: () => {},
    onError: (error) => void test.background.push(error),
  });
};
