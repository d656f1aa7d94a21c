import type { SecureContext } from 'node:tls';

/** Certificates for the listener, from memory: asked in the middle of a handshake. */
export interface CertificateSource {
  /** Context for a server name in small letters, an exact name before a wildcard; null when no certificate names it. */
  contextFor(name: string): SecureContext | null;
  /** For clients that name nobody, or a name that is nobody's here; null until there is one. */
  fallback(): SecureContext | null;
  /** Context that answers a TLS-ALPN-01 challenge (RFC 8737) for a name, while an order waits for it. */
  challengeContext(name: string): SecureContext | null;
  /** Key authorization of an HTTP-01 challenge (RFC 8555, 8.3) by its token, while an order waits for it. */
  challengeAnswer(token: string): string | null;
  /**
   * What devices should remember of the certificate for the public name: `sha256/` and the base64 of the hash of its
   * public key, that of the next one behind it. Two count at most. Absent: nothing is to be remembered.
   */
  pins?(): readonly string[];
}
