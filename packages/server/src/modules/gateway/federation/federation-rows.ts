import type { PrincipalKind } from '@atrium/protocol';
import type { VectorClock } from './clocks.ts';
import type { SharedApp } from './wire.ts';

export type { SharedApp, VectorClock };

export interface IdentityRow {
  id: string;
  public_key: string;
  key_sealed: string;
}

/** Another server of the local network, by its own word. */
export interface NeighbourRow {
  id: string;
  name: string;
  address: string;
  public_key: string;
  first_seen_at: Date;
  last_seen_at: Date;
}

export interface PeerRow {
  id: string;
  name: string;
  api_address: string | null;
  public_key: string;
  pins: string[];
  offered_pin: string | null;
  dials: boolean;
  joined_by: 'invitation' | 'cluster_secret';
  status: 'online' | 'offline';
  remote_routes: boolean;
  last_seen_at: Date | null;
  last_sync_at: Date | null;
  last_error: string | null;
  joined_at: Date;
}

export interface ListedPeer extends PeerRow {
  apps: number;
}

export interface InvitationRow {
  id: string;
  token_hash: string;
  note: string;
  created_by_type: PrincipalKind;
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_by: string | null;
}

export interface PublicationRow {
  app_id: string;
  org_id: string;
  peer_ids: string[] | null;
  entry: SharedApp;
  clock: VectorClock;
  published_by_type: PrincipalKind;
  published_by_id: string | null;
  published_by_name: string;
  published_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
}

export interface RemoteAppRow {
  peer_id: string;
  app: string;
  entry: SharedApp;
  name: string;
  clock: VectorClock;
  updated_at: Date;
  deleted_at: Date | null;
  local_app_id: string | null;
  local_route_id: string | null;
}

export interface ListedRemoteApp extends RemoteAppRow {
  peer_name: string;
  local_slug: string | null;
  local_org_id: string | null;
}

export interface RuleRow {
  id: string;
  peer_id: string;
  org_id: string;
  match: 'email' | 'group';
  value: string;
  app_id: string | null;
  created_by_type: PrincipalKind;
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
}
