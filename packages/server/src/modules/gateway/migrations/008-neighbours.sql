-- Servers that announce themselves in the local network, as they say themselves. Nothing follows from a row here.
create table gateway_peer_neighbours (
  id uuid primary key,
  name text not null,
  address text not null,
  public_key text not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null
);
create index gateway_peer_neighbours_seen on gateway_peer_neighbours (last_seen_at);
