import { createSecureContext, type SecureContext } from 'node:tls';
import type { CertificateSource } from '../../src/platform/tls/certificate-source.ts';
import { type MadeCertificate, makeCertificate } from './make-certificate.ts';

const authority = makeCertificate({ subject: { CN: 'Test authority' }, authority: true });

/** What clients of a test trust. */
export const testAuthority: string = authority.pem;

/** A certificate of the test authority. */
export const certificateFor = (
  names: readonly string[],
  more: { ip?: string; from?: Date; to?: Date } = {},
): MadeCertificate & { chain: string } => {
  const { ip, ...dates } = more;
  const alternatives = { dns: names, ...(ip === undefined ? {} : { ip }) };
  const made = makeCertificate({ subject: { CN: names[0]! }, alternatives, issuer: authority, ...dates });
  return { ...made, chain: made.pem + authority.pem };
};

const contextOf = ({ chain, key }: { chain: string; key: string }): SecureContext =>
  createSecureContext({ cert: chain, key });

/** Certificates in memory, as the part that makes them offers them. */
export class TestCertificates implements CertificateSource {
  readonly #contexts = new Map<string, SecureContext>();
  readonly challenges = new Map<string, SecureContext>();
  readonly answers = new Map<string, string>();
  #fallback: SecureContext | null = null;
  told: string[] = [];

  /** Serves a fresh certificate for these names; the first set of names is the fallback. */
  add(names: readonly string[], more: { ip?: string } = {}): MadeCertificate {
    const made = certificateFor(names, more);
    for (const name of names) this.#contexts.set(name, contextOf(made));
    this.#fallback ??= contextOf(made);
    return made;
  }

  challenge(name: string): MadeCertificate {
    const made = certificateFor([name]);
    this.challenges.set(name, contextOf(made));
    return made;
  }

  contextFor(name: string): SecureContext | null {
    const wildcard = `*${name.slice(Math.max(0, name.indexOf('.')))}`;
    return this.#contexts.get(name) ?? this.#contexts.get(wildcard) ?? null;
  }

  fallback(): SecureContext | null {
    return this.#fallback;
  }

  challengeContext(name: string): SecureContext | null {
    return this.challenges.get(name) ?? null;
  }

  challengeAnswer(token: string): string | null {
    return this.answers.get(token) ?? null;
  }

  pins(): readonly string[] {
    return this.told;
  }
}
