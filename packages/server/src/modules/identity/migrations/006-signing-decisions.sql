-- What the person behind an agent said to a signature that the agent prepared. Declined, it takes no signature any more.
alter table identity_signing_requests
  drop constraint identity_signing_requests_status_check,
  add constraint identity_signing_requests_status_check
    check (status in ('pending', 'completed', 'expired', 'declined')),
  add column decision text check (decision in ('approved', 'declined')),
  add column decided_at timestamptz,
  add check ((decision is null) = (decided_at is null)),
  add check (status <> 'declined' or decision = 'declined');
