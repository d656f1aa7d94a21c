-- Routes that pass on what comes to a port, and answers that outlive their freshness while an app fails.

alter table gateway_routes drop constraint gateway_routes_kind_check;
alter table gateway_routes add constraint gateway_routes_kind_check
  check (kind in ('http', 'redirect', 'not_found', 'stream'));
alter table gateway_routes
  add column stream_protocol text check (stream_protocol in ('tcp', 'udp')),
  add column stream_port int check (stream_port between 1 and 65535),
  add column stream_names text[] not null default '{}',
  add column stream_proxy_protocol boolean not null default false,
  add column stream_max_connections int not null default 1000,
  add column stream_max_per_address int not null default 100,
  add column stream_idle_ms int,
  add column cache_stale_if_error_s int not null default 0;
alter table gateway_routes add constraint gateway_routes_stream_check
  check ((kind = 'stream') = (stream_port is not null) and (stream_port is null) = (stream_protocol is null));

-- A port is claimed as the host `tcp:8443` or `udp:53`, a name of TLS on it as its path.
