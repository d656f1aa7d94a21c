import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { rotateSecrets, SecretBox } from '../../../platform/secrets/secret-box.ts';
import { secretPlace, storedSecret } from '../clients/client-secrets.ts';
import { clientsStore } from '../stores/clients-store.ts';
import { createClientsAdminService } from './clients-admin-service.ts';
import type { OperatorsContext } from './operators-context.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('secrets that clients sign with come under a new master key, each to its own row', async () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const box = new SecretBox([old]);
  const db = test.database.read;
  const insert = async (auth_method: string, secret: string) => {
    const id = randomUUID();
    const stored = storedSecret(box, { id, auth_method }, secret);
    await test.pool.query(
      `insert into oauth_clients (id, client_id, origin, name, auth_method, grant_types, scopes, secret_hash, secret_sealed,
         created_at, updated_at) values ($1::uuid, $1::text, 'operator', 'x', $2, '{}', '{}', $3, $4, now(), now())`,
      [id, auth_method, stored.hash, stored.sealed],
    );
    return id;
  };
  const signs = await insert('client_secret_jwt', 'a secret to sign with');
  const plain = await insert('client_secret_basic', 'another');
  const { rotateSealed } = createClientsAdminService({ database: test.database } as unknown as OperatorsContext);
  expect(await rotateSecrets(new SecretBox([fresh, old]), [rotateSealed])).toEqual({ seen: 1, renewed: 1 });
  const [row, other] = [await clientsStore.byId(db, signs), await clientsStore.byId(db, plain)];
  const alone = new SecretBox([fresh]);
  expect(alone.decrypt(row!.secret_sealed!, secretPlace(signs))).toBe('a secret to sign with');
  expect(() => alone.decrypt(row!.secret_sealed!, secretPlace(plain))).toThrow();
  expect(other).toMatchObject({ secret_sealed: null, secret_hash: expect.any(String) });
});
