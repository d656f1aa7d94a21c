import type { CertificateView } from '@atrium/protocol';

type PrincipalType = 'user' | 'agent' | 'device' | 'service' | 'system';

export interface CertificateRow {
  id: string;
  names: string[];
  issuer: CertificateView['issuer'];
  state: CertificateView['state'];
  managed: boolean;
  chain: string | null;
  key_sealed: string | null;
  pins: string[];
  serial: string | null;
  issued_by: string | null;
  not_before: Date | null;
  not_after: Date | null;
  renew_at: Date | null;
  failures: number;
  last_error: string | null;
  warned_at: Date | null;
  generation: number;
  /** An order runs, or a crash left it to be gone on with. */
  ordering: boolean;
  order_url: string | null;
  order_key_sealed: string | null;
  created_by_type: PrincipalType;
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  updated_at: Date;
}

/** What a new chain and key change in a row. */
export interface IssuedRow {
  names: string[];
  chain: string;
  key_sealed: string;
  pins: string[];
  serial: string;
  issued_by: string;
  not_before: Date;
  not_after: Date;
  renew_at: Date | null;
}

export interface HistoryRow {
  id: string;
  certificate_id: string;
  names: string[];
  act: 'generated' | 'uploaded' | 'ordered' | 'renewed' | 'replaced' | 'failed' | 'deleted';
  reason: string | null;
  actor_type: PrincipalType;
  actor_id: string | null;
  actor_name: string;
  at: Date;
}

export interface ChallengeRow {
  certificate_id: string;
  name: string;
  kind: 'http-01' | 'tls-alpn-01' | 'dns-01';
  token: string;
  answer: string;
  expires_at: Date;
}
