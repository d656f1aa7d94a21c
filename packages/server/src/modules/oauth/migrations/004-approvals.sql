-- Approvals serve two ways of asking: one transaction, polled with a secret of its own, and CIBA, whose auth_req_id has
-- the same hash as the engine's row in oauth_backchannel_requests.
alter table oauth_approvals
  add column kind text not null default 'transaction' check (kind in ('transaction', 'ciba')),
  add column scopes text[] not null default '{}',
  add column resources text[] not null default '{}',
  add column binding_message text,
  -- How and when the person proved who they are for the decision; stands in the token.
  add column proof jsonb,
  add column consumed_at timestamptz,
  add column polled_at timestamptz,
  add column poll_interval_s int not null default 5,
  drop constraint oauth_approvals_state_check,
  add constraint oauth_approvals_state_check check (state in ('pending', 'approved', 'denied', 'expired', 'withdrawn'));
create index oauth_approvals_org on oauth_approvals (org_id);
create index oauth_approvals_open on oauth_approvals (subject, client_id) where state = 'pending';
