import type { Config, ConfigValues } from '../platform/config/config.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { HttpHostOptions } from '../platform/http/http-options.ts';
import type { Module } from '../platform/module.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { FileCertificates } from '../platform/tls/certificate-files.ts';
import type { CertificatePair } from '../platform/tls/certificate-pair.ts';
import type { CertificateSource } from '../platform/tls/certificate-source.ts';

/** How many pins a device is told. */
const mostPins = 2;

/** TLS of the listener, as the settings want it. */
export interface Tls {
  /** For the HTTP door; absent while TLS is off. */
  door: HttpHostOptions['tls'];
  /** What devices are to know the certificate by. */
  pins(): readonly string[];
  start(): void;
  /** The settings changed. */
  reload(): void;
  stop(): void;
}

const off: Tls = {
  ...{ door: undefined, pins: () => [] },
  ...{ start: () => undefined, reload: () => undefined, stop: () => undefined },
};

const loaded = ({ names, expires }: CertificatePair) => ({ names, expires: expires.toISOString() });

const openFiles = ({ config }: ConfigValues, log: Logger): FileCertificates =>
  new FileCertificates({
    files: () => config.tls,
    now: () => new Date(),
    onLoaded: (pair) => log.info(loaded(pair), 'the new certificate is served'),
    onRefused: (problem) => log.error({ problem }, 'a changed certificate cannot be served; the one before still is'),
  });

const keptOf = (modules: readonly Module[]): CertificateSource | undefined =>
  modules.find(({ certificates }) => certificates !== undefined)?.certificates;

const sourceOf = (config: Config, modules: readonly Module[]): CertificateSource => {
  const source = keptOf(modules);
  if (source !== undefined) return source;
  throw new StartupError(
    `ATRIUM_TLS_MODE=${config.tls.mode} needs a part that makes certificates, and this server has none. Set ATRIUM_TLS_MODE=files with ATRIUM_TLS_CERT_FILE and ATRIUM_TLS_KEY_FILE, or off.`,
  );
};

/** Files of the operator before certificates of the database, which serve host names of apps that the files do not name. */
const together = (files: FileCertificates, kept: CertificateSource | undefined): CertificateSource =>
  kept === undefined
    ? files
    : {
        contextFor: (name) => files.contextFor(name) ?? kept.contextFor(name),
        fallback: () => files.fallback(),
        challengeContext: (name) => kept.challengeContext(name),
        challengeAnswer: (token) => kept.challengeAnswer(token),
        pins: () => files.pins(),
      };

const pinsOf = (source: CertificateSource): readonly string[] => (source.pins?.() ?? []).slice(0, mostPins);

/** Finds the certificates of the listener: those of files, or those of the module that makes them. */
export const openTls = (values: ConfigValues, modules: readonly Module[], log: Logger): Tls => {
  const { mode, redirectAddress } = values.config.tls;
  if (mode === 'off') return off;
  const { host } = values.config.server;
  const redirect = redirectAddress === null ? null : { ...redirectAddress, host: redirectAddress.host || host };
  if (mode !== 'files') {
    const certificates = sourceOf(values.config, modules);
    return { ...off, door: { certificates, redirect }, pins: () => pinsOf(certificates) };
  }
  const files = openFiles(values, log);
  return {
    door: { certificates: together(files, keptOf(modules)), redirect },
    pins: () => pinsOf(files),
    start: () => files.start(),
    reload: () => files.reload(),
    stop: () => files.stop(),
  };
};
