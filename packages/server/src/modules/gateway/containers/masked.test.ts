import { expect, it } from 'vitest';
import { isSecret, mask, maskedUrl, maskedWords } from './masked.ts';

it('variables are secrets by their name or by what they hold', () => {
  const secret: [string, string][] = [
    ['DB_PASSWORD', 'x'],
    ['MYSQL_ROOT_PASSWORD', 'x'],
    ['PGPASSWORD', 'x'],
    ['API_KEY', 'abc'],
    ['AWS_SECRET_ACCESS_KEY', 'abc'],
    ['JWT_SECRET', 'abc'],
    ['GITHUB_TOKEN', 'abc'],
    ['SECRET_KEY_BASE', 'abc'],
    ['REDIS_URL', 'redis://:hunter2@cache:6379'],
    ['WHATEVER', 'ghp_0123456789abcdef'],
    ['CERT', '-----BEGIN RSA PRIVATE KEY-----\nabc'],
  ];
  for (const [name, value] of secret) expect([name, isSecret(name, value)]).toEqual([name, true]);
  const open: [string, string][] = [
    ['PATH', '/usr/bin'],
    ['POSTGRES_PASSWORD_FILE', '/run/secrets/pg'],
    ['TOKEN_TTL', '3600s'],
    ['PASSWORD_LOGIN_ENABLED', 'true'],
    ['DISABLE_PASSWORDS', 'true'],
    ['KEYBOARD', 'de'],
    ['MONKEY', 'x'],
    ['BASE_URL', 'https://notes.example.org/'],
    ['DB_PASSWORD', ''],
  ];
  for (const [name, value] of open) expect([name, isSecret(name, value)]).toEqual([name, false]);
});

it('commands keep their words and lose their secrets', () => {
  expect(
    maskedWords(['serve', '--port=80', '--admin-password=hunter2', '--token', 'abcdef', 'redis://:hunter2@cache']),
  ).toEqual(['serve', '--port=80', `--admin-password=${mask}`, '--token', mask, `redis://:${mask}@cache`]);
  expect(maskedUrl('postgres://app:p4ss@db:5432/app')).toBe(`postgres://app:${mask}@db:5432/app`);
});
