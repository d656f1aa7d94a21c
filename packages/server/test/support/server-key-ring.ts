import { KeyRing } from '../../src/modules/oauth/keys/key-ring.ts';
import { createDatabase } from '../../src/platform/db/kysely-database.ts';
import { createPool } from '../../src/platform/db/pool.ts';
import { SecretBox } from '../../src/platform/secrets/secret-box.ts';
import { serverDatabaseUrl } from './server-database.ts';

/** The signing keys of a started server, as any process of its issuer holds them: in the table, under the master key. */
export const withKeyRing = async <T>(
  dataDir: string,
  masterKey: Buffer,
  act: (ring: KeyRing) => Promise<T>,
): Promise<T> => {
  const pool = createPool({ url: serverDatabaseUrl(dataDir), max: 2 });
  const clock = { now: () => new Date() };
  const secrets = new SecretBox([masterKey]);
  const cipher = { encrypt: (plain: string) => secrets.encrypt(plain, 'test'), decrypt: () => '' };
  const database = createDatabase({ pool, clock, cipher });
  try {
    return await act(
      new KeyRing({ database, secrets, clock, alg: 'ES256', grace_ms: 86_400_000, rotate_every_ms: 86_400_000 }),
    );
  } finally {
    await pool.end();
  }
};
