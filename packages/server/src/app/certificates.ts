import { type CertificatesPart, createCertificatesPart } from '../modules/gateway/certificates-module.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import type { GuardedFetch } from '../platform/net/guarded-fetch.ts';
import { Durations } from '../platform/telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../platform/telemetry/families.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Storage } from './storage.ts';

/** In seconds: authorities take from a second to minutes. */
const madeBounds = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300] as const;

const addMetrics = (registry: Metrics['registry'], part: () => CertificatesPart, now: () => Date) => {
  const served = new Tally();
  const made = { internal: new Durations(madeBounds), acme: new Durations(madeBounds) };
  addHistogram(
    registry,
    'atrium_certificate_generate_duration_seconds',
    'Until a certificate was made here, or an authority had given it.',
    () => Object.entries(made).map(([issuer, durations]) => ({ labels: { issuer }, durations })),
  );
  addCounter(registry, 'atrium_certificate_serve_total', 'Handshakes by whether a certificate names the host.', () =>
    served.as('result'),
  );
  addCounter(registry, 'atrium_certificate_miss_total', 'Handshakes for a host that no certificate names.', () => [
    { value: served.get('unnamed') },
  ]);
  addGauge(
    registry,
    'atrium_certificates_total',
    'Certificates that are served.',
    [],
    () => [{ value: part().certificates.ends().length }],
    'max',
  );
  addGauge(
    registry,
    'atrium_certificate_expiry_seconds',
    'Until the certificate that ends first has ended.',
    [],
    () => {
      const ends = part()
        .certificates.ends()
        .map(({ expires }) => expires.getTime());
      return ends.length === 0 ? [] : [{ value: (Math.min(...ends) - now().getTime()) / 1000 }];
    },
    'min',
  );
  return { served, made };
};

export interface CertificateOptions {
  values: ConfigValues;
  storage: Storage;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  public_url: () => string;
}

/** Certificates that the server makes, orders or was given. */
export const openCertificates = (
  options: CertificateOptions,
  orgOf: () => Promise<string | null>,
  fetch: GuardedFetch,
): CertificatesPart => {
  const { storage, clock, log, values } = options;
  const { config } = values;
  const { served, made } = addMetrics(
    options.metrics.registry,
    () => part,
    () => clock.now(),
  );
  const part = createCertificatesPart(
    {
      ...{ database: storage.database, database_url: storage.url, clock, secrets: storage.secrets },
      ...{ public_url: options.public_url, orgOf, fetch },
      settings: () => {
        const { mode, acme } = config.tls;
        const { directory, email, challenge, dnsCommand } = acme;
        return {
          mode,
          acme: { directory, email, challenge, dns_command: dnsCommand },
          extra_hosts: config.server.extraHosts,
          base_domain: config.gateway.base_domain,
        };
      },
      onError: (error, what) => log.warn({ err: error }, what),
      onMade: (issuer, seconds) => made[issuer].observe(seconds),
    },
    { onServed: () => served.add('named'), onMissed: () => served.add('unnamed') },
  );
  return part;
};
