import { describe, expect, it } from 'vitest';
import { TestCertificates } from '../../test/support/tls-certificates.ts';
import { type ConfigValues, readConfig } from '../platform/config/config.ts';
import { createLogger } from '../platform/telemetry/logger.ts';
import { openTls } from './tls.ts';

const settings = (environment: Record<string, string>): ConfigValues => {
  const result = readConfig({ environment, file: null, path: 'atrium.yaml', sections: [] });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.values;
};
const log = createLogger('silent');
const module = { name: 'certificates', bindings: [] };

describe('TLS by the settings', () => {
  it('is off without any', () => {
    const tls = openTls(settings({}), [], log);
    expect([tls.door, tls.pins()]).toEqual([undefined, []]);
  });

  it('takes the certificates of the module that makes them, with two pins at most', () => {
    const certificates = new TestCertificates();
    certificates.told = ['sha256/a', 'sha256/b', 'sha256/c'];
    const values = settings({
      ATRIUM_TLS_MODE: 'internal',
      ATRIUM_TLS_REDIRECT_ADDRESS: ':80',
      ATRIUM_HOST: '0.0.0.0',
    });
    const tls = openTls(values, [module, { ...module, certificates }], log);
    expect(tls.door).toEqual({ certificates, redirect: { host: '0.0.0.0', port: 80 } });
    expect(tls.pins()).toEqual(['sha256/a', 'sha256/b']);
    expect(values.config.server.publicUrl).toBe('https://localhost:4400');
  });

  it('refuses a mode whose certificates nobody makes, in a sentence', () => {
    expect(() => openTls(settings({ ATRIUM_TLS_MODE: 'acme' }), [module], log)).toThrow(
      'ATRIUM_TLS_MODE=acme needs a part that makes certificates, and this server has none.',
    );
  });

  it.each([
    [{ ATRIUM_TLS_MODE: 'on' }, 'ATRIUM_TLS_MODE'],
    [{ ATRIUM_TLS_CERT_FILE: 'a.pem' }, 'ATRIUM_TLS_CERT_FILE'],
    [{ ATRIUM_TLS_REDIRECT_ADDRESS: ':80' }, 'ATRIUM_TLS_REDIRECT_ADDRESS'],
    [{ ATRIUM_TLS_MODE: 'internal', ATRIUM_TLS_REDIRECT_ADDRESS: '80' }, 'ATRIUM_TLS_REDIRECT_ADDRESS'],
    [{ ATRIUM_TLS_MODE: 'internal', ATRIUM_PUBLIC_URL: 'http://a.example.org' }, 'ATRIUM_PUBLIC_URL'],
  ])('refuses %j, naming %s', (environment, key) => {
    const result = readConfig({ environment, file: null, path: 'atrium.yaml', sections: [] });
    expect(result).toMatchObject({ ok: false, problems: [{ key }] });
  });
});
