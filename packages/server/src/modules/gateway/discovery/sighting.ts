import type { Proposal } from '@atrium/protocol';

export type DiscoverySource = Proposal['source'];
export type SuggestedApp = Proposal['suggested_app'];
export type Reason = Proposal['reasons'][number];

/** A port of the service, and where this server reaches it. */
export interface SightedAddress {
  /** As the service itself calls it: it stays when a container is made anew, the other one need not. */
  port: number;
  scheme: 'http' | 'https';
  host: string;
  dial_port: number;
}

/** A port of the machine that leads to the service, and the address it is bound to. */
export interface Binding {
  port: number;
  address: string;
}

/** One service as a provider sees it now. */
export interface Sighting {
  source: DiscoverySource;
  /** Stays when the service is made anew. */
  fingerprint: string;
  name: string;
  /** At least one; the first is the one that is chosen when nobody chooses. */
  addresses: readonly SightedAddress[];
  confidence: number;
  reasons: readonly Reason[];
  app: SuggestedApp;
  /** Fields of `routes.create`; targets only where the source names them itself. */
  route: Readonly<Record<string, unknown>>;
  /** It says itself that it wants to be here. */
  explicit: boolean;
  /** Said so where only somebody who runs this machine or cluster can say it, not by whoever is in the same network. */
  vouched: boolean;
  /** Its source is one whose services need nobody's approval. */
  trusted?: boolean;
  container_ref: string | null;
  bindings: readonly Binding[];
}

/** Where providers put what they see. */
export interface SightingSink {
  sight(sighting: Sighting): void;
  /** It said goodbye, or its container stopped. */
  gone(source: DiscoverySource, fingerprint: string): void;
}

export const urlOf = ({ scheme, host, dial_port }: Pick<SightedAddress, 'scheme' | 'host' | 'dial_port'>): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${dial_port}`;
