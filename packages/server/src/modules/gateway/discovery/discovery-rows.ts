import type { Proposal } from '@atrium/protocol';

type Source = Proposal['source'];

export interface ProposalAddress {
  port: number;
  scheme: 'http' | 'https';
  host: string;
  dial_port: number;
}

/** What a provider says of a service, as it is kept. */
export interface ProposalFacts {
  source: Source;
  fingerprint: string;
  name: string;
  detected_scheme: 'http' | 'https';
  detected_host: string;
  detected_port: number;
  available_ports: number[];
  addresses: ProposalAddress[];
  confidence: number;
  reasons: Proposal['reasons'];
  suggested_app: Proposal['suggested_app'];
  suggested_route: Record<string, unknown>;
  security_notes: Proposal['security_notes'];
  explicit: boolean;
  vouched: boolean;
  bindings: { port: number; address: string }[];
  container_ref: string | null;
}

export interface ProposalRow extends ProposalFacts {
  id: string;
  org_id: string;
  state: Proposal['state'];
  gone_at: Date | null;
  first_seen_at: Date;
  last_seen_at: Date;
  decided_by_type: 'user' | 'agent' | 'device' | 'service' | 'system' | null;
  decided_by_id: string | null;
  decided_by_name: string | null;
  decided_at: Date | null;
  app_id: string | null;
  route_id: string | null;
  chosen_port: number | null;
}

/** With the name of the app that came of it. */
export interface ProposalListRow extends ProposalRow {
  app_slug: string | null;
}

export interface ProviderRow {
  name: string;
  kind: Source;
  state: 'off' | 'connecting' | 'running' | 'retrying';
  endpoint: string | null;
  last_event_at: Date | null;
  last_error: string | null;
  failures: number;
  next_attempt_at: Date | null;
  missing_rights: string[];
  hint: string | null;
  updated_at: Date;
}
