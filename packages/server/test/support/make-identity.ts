import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdentity, type Identity, type IdentityOptions } from '../../src/modules/identity/index.ts';
import type { PasswordCost } from '../../src/modules/identity/passwords.ts';
import { createForgetInAudit } from '../../src/platform/audit/audit-redaction.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import { createFileTransport } from '../../src/platform/mail/file-transport.ts';
import type { MailTransport } from '../../src/platform/mail/mail.ts';
import { createGuardedFetch } from '../../src/platform/net/guarded-fetch.ts';
import { SecretBox } from '../../src/platform/secrets/secret-box.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

/** Enough for tests that are not about the cost of passwords. */
export const cheapPasswords: PasswordCost = { memory_kib: 8, passes: 1, lanes: 1 };

export const testSetupToken = 'setup-token-of-the-tests';

export const testIdentityOptions: IdentityOptions = {
  public_url: () => 'http://localhost:4400',
  registration: 'open',
  session_ttl_ms: 30 * 24 * 60 * 60 * 1000,
  setup_token: testSetupToken,
  version: '0.0.0',
  login: { max: 10, windowMs: 15 * 60 * 1000 },
  login_account: { max: 5, windowMs: 15 * 60 * 1000 },
  magic_link: { max: 3, windowMs: 60 * 60 * 1000 },
  devices: { pins: () => [], enrolment_tokens: [], offline_after_ms: 300_000, offline_check_ms: 60_000 },
  agent_keys: {
    registration: { max: 1000, windowMs: 60_000 },
    vouch: { max: 1000, windowMs: 60_000 },
    signing: { max: 1000, windowMs: 60_000 },
    recovery: { max: 1000, windowMs: 60_000 },
    verify: { max: 1000, windowMs: 60_000 },
  },
};

/** Identity over a database of a test. */
export const makeIdentity = (
  test: Pick<TestDatabase, 'database' | 'clock'>,
  parts: {
    options?: Partial<IdentityOptions>;
    password_cost?: PasswordCost;
    /** Where letters are left. */
    mail_directory?: string;
    mail?: MailTransport;
    secrets?: SecretBox;
  } = {},
): Identity =>
  createIdentity({
    secrets: parts.secrets ?? new SecretBox([randomBytes(32)]),
    mail:
      parts.mail ??
      createFileTransport({
        directory: parts.mail_directory ?? join(tmpdir(), 'atrium-letters'),
        from: () => 'Atrium <atrium@localhost>',
        clock: test.clock,
        told: () => {},
      }),
    forgetInAudit: createForgetInAudit(randomBytes(32)),
    challenge_keys: [randomBytes(32)],
    fetch: createGuardedFetch({ allow: ['127.0.0.1', '::1'] }),
    database: test.database,
    clock: test.clock,
    limiter: createPostgresLimiter(test.database.read, test.clock),
    options: { ...testIdentityOptions, ...parts.options },
    password_cost: parts.password_cost ?? cheapPasswords,
  });

export interface IdentityTest extends TestDatabase {
  identity: Identity;
  /** Where its letters lie. */
  mail_directory: string;
}

/** A database of its own with identity over it. Call `drop` in afterAll. */
export const createIdentityTest = async (
  parts: Parameters<typeof makeIdentity>[1] & { max?: number } = {},
): Promise<IdentityTest> => {
  const { max, ...rest } = parts;
  const test = await createTestDatabase(max === undefined ? {} : { max });
  const mail_directory = rest.mail_directory ?? mkdtempSync(join(tmpdir(), 'atrium-letters-'));
  const identity = makeIdentity(test, { ...rest, mail_directory });
  return {
    ...test,
    identity,
    mail_directory,
    drop: async () => {
      await identity.flush();
      await test.drop();
    },
  };
};
