import { describe, expect, it } from 'vitest';
import { cheapPasswords } from '../../../test/support/make-identity.ts';
import { createPasswords, isCommonPassword } from './passwords.ts';

describe('passwords', () => {
  it('are stored as argon2id with 64 MiB, three passes and four lanes', async () => {
    const passwords = createPasswords();
    const phc = await passwords.hash('a long enough one');
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
    expect(passwords.outdated(phc)).toBe(false);
    expect(await passwords.verify(phc, 'a long enough one')).toBe(true);
    expect(await passwords.verify(phc, 'another long one')).toBe(false);
  });

  it('are renewed when the parameters changed', async () => {
    const phc = await createPasswords(cheapPasswords).hash('a long enough one');
    expect(createPasswords().outdated(phc)).toBe(true);
  });

  it('are never right for an account without one', async () => {
    expect(await createPasswords(cheapPasswords).verify(null, 'whatever')).toBe(false);
  });

  it('cost the same work for an account without one: its check waits in the same queue', async () => {
    const passwords = createPasswords(cheapPasswords);
    const all = await Promise.allSettled(Array.from({ length: 300 }, () => passwords.verify(null, 'whatever')));
    expect(all.filter((one) => one.status === 'rejected')).toHaveLength(300 - 203);
  });

  it('are the same in composed and decomposed letters', async () => {
    const passwords = createPasswords(cheapPasswords);
    const phc = await passwords.hash('Caf\u00e9 au lait bitte');
    expect(await passwords.verify(phc, 'Cafe\u0301 au lait bitte')).toBe(true);
  });

  it.each(['1234567890', 'qwertyuiop', 'QWERTYuiop', 'password123'])(
    'that many people choose are known: %s',
    (password) => {
      expect(isCommonPassword(password)).toBe(true);
      expect(() => createPasswords(cheapPasswords).check('password', password, 'a@b.c')).toThrow(
        expect.objectContaining({ code: 'validation_failed', errors: [expect.objectContaining({ path: 'password' })] }),
      );
    },
  );

  it('may not be the address', () => {
    expect(() => createPasswords(cheapPasswords).check('password', 'Ada@Example.org', 'ada@example.org')).toThrow(
      'e-mail',
    );
  });

  it('are hashed by three at once at most, and a flood is refused instead of queued without end', async () => {
    const passwords = createPasswords(cheapPasswords);
    const all = await Promise.allSettled(Array.from({ length: 300 }, (_, n) => passwords.hash(`password number ${n}`)));
    const refused = all.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(300 - 203);
    expect(refused[0]).toMatchObject({ reason: { code: 'rate_limited' } });
    expect(await passwords.hash('still works afterwards')).toContain('argon2id');
  });
});
