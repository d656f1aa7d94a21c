import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { GuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import type { Call } from '../../../platform/operations/call.ts';

export interface AcmeSettings {
  directory: string;
  email: string | null;
  challenge: 'http-01' | 'tls-alpn-01' | 'dns-01';
  /** Program that sets and removes TXT records; needed for `dns-01`. */
  dns_command: string | null;
}

export interface CertificateSettings {
  mode: 'off' | 'files' | 'internal' | 'acme';
  acme: AcmeSettings;
  extra_hosts: readonly string[];
  base_domain: string | null;
}

export type TellAdmins = (tx: Transaction, call: Call, notice: { title: string; message: string }) => Promise<void>;

export interface CertificateParts {
  database: Database;
  /** For the connection that hears of changes made by other processes. */
  database_url: string;
  clock: Clock;
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  settings: () => CertificateSettings;
  public_url: () => string;
  /** Which organisation hears of what happens by itself; null while the server has none. */
  orgOf: () => Promise<string | null>;
  /** Reaches authorities also in networks of the operator's own. */
  fetch: GuardedFetch;
  onError: (error: unknown, what: string) => void;
  /** A certificate was made, or an authority gave it. */
  onMade?: (issuer: 'internal' | 'acme', seconds: number) => void;
}

/** Where each sealed key stands; see SecretBox. */
export const places = {
  certificate: (id: string): string => `gateway.certificate:${id}`,
  order: (id: string): string => `gateway.certificate_order:${id}`,
  authority: 'gateway.certificate_authority',
  account: (directory: string): string => `gateway.acme_account:${directory}`,
};

/** Told to whoever may manage certificates; the subject is the certificate. */
export const certificateEvents = {
  issued: 'gateway.certificate.issued',
  failed: 'gateway.certificate.failed',
  expiring: 'gateway.certificate.expiring',
  deleted: 'gateway.certificate.deleted',
} as const;

export const dayMs = 86_400_000;
