-- Signed diaries: their chain, entries that do not change any more, copies that know where they come from.

alter table diary_diaries
  drop column chain_head,
  -- Names the chain in what authors sign; a copy on another server goes on with it.
  add column chain_id uuid,
  -- The diary that this one was imported from.
  add column origin_id uuid,
  add check (signed = (chain_id is not null));
create index diary_diaries_origin on diary_diaries (owner_id, origin_id) where origin_id is not null;

-- Where a chain stands. A row of its own: writers of entries hold the diary together, and this one after the other.
create table diary_chains (
  diary_id uuid primary key references diary_diaries on delete cascade,
  org_id uuid not null,
  seq bigint not null default 0,
  hash text not null
);
create index diary_chains_org on diary_chains (org_id);

alter table diary_entries
  drop constraint diary_entries_signature_key,
  add column chain_seq bigint,
  -- Under which the signature was checked. The author may have another key by now.
  add column signer_key text,
  add column erased_at timestamptz,
  add column origin_id uuid,
  add check ((signature is null) = (chain_seq is null) and (signature is null) = (signer_key is null)
    and (signature is null) = (chain_hash is null) and (signature is null) = (prev_hash is null)),
  add check (erased_at is null or (signature is not null and deleted_at is not null and content = ''));
create unique index diary_entries_chain on diary_entries (diary_id, chain_seq);
create unique index diary_entries_signature on diary_entries (diary_id, signature);
create unique index diary_entries_origin on diary_entries (diary_id, origin_id);

-- What was signed stays as it was signed, whoever asks. It may be superseded, set aside, and erased: then the text goes
-- for good and the hashes stay. It goes with its diary alone.
create function diary_entries_keep_signed() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if exists (select from diary_diaries where id = old.diary_id) then
      raise exception 'The signed entry % cannot be deleted.', old.id using errcode = 'restrict_violation';
    end if;
    return old;
  end if;
  if (new.id, new.diary_id, new.org_id, new.entry_type, new.importance, new.confidence, new.valid_from, new.valid_to,
      new.expires_at, new.author_kind, new.author_id, new.content_id, new.chain_seq, new.prev_hash, new.chain_hash,
      new.signature, new.signer_key, new.created_at)
    is distinct from
     (old.id, old.diary_id, old.org_id, old.entry_type, old.importance, old.confidence, old.valid_from, old.valid_to,
      old.expires_at, old.author_kind, old.author_id, old.content_id, old.chain_seq, old.prev_hash, old.chain_hash,
      old.signature, old.signer_key, old.created_at)
    or (new.title, new.content, new.tags, new.content_hash, new.deleted_at, new.erased_at)
      is distinct from (old.title, old.content, old.tags, old.content_hash, old.deleted_at, old.erased_at)
    and not (old.erased_at is null and new.erased_at is not null
      and new.content = '' and new.title is null and new.tags = '{}' and new.content_hash = '') then
    raise exception 'The signed entry % cannot be changed.', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger diary_entries_keep_signed before update or delete on diary_entries
  for each row when (old.signature is not null) execute function diary_entries_keep_signed();
