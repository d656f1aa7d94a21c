import type { Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import { checkPair } from './certificate-checks.ts';
import { type MadePair, makeAuthority, makeLeaf } from './certificate-making.ts';
import { type CertificateParts, certificateEvents, places } from './certificate-parts.ts';
import type { CertificateRow, HistoryRow, IssuedRow } from './certificate-rows.ts';
import { certificatesStore } from './certificates-store.ts';

/** At two thirds of its life there is time for a month of failures. */
const renewalOf = (from: Date, to: Date): Date => new Date(from.getTime() + ((to.getTime() - from.getTime()) * 2) / 3);

/** What a chain with its key puts into a row. Throws `certificate_unusable`. */
export const issuedOf = (
  parts: Pick<CertificateParts, 'secrets' | 'clock'>,
  id: string,
  { certificate, key }: MadePair,
  renews: boolean,
): IssuedRow => {
  const pair = checkPair(certificate, key, parts.clock.now());
  return {
    names: [...pair.names],
    chain: certificate,
    key_sealed: parts.secrets.encrypt(key, places.certificate(id)),
    pins: [...pair.pins],
    serial: pair.serial,
    issued_by: pair.issued_by,
    not_before: pair.from,
    not_after: pair.expires,
    renew_at: renews ? renewalOf(pair.from, pair.expires) : null,
  };
};

export const emptyRow = (
  call: Call,
  now: Date,
  given: Pick<CertificateRow, 'id' | 'names' | 'issuer' | 'managed'>,
): CertificateRow => {
  const by = actorOf(call.caller);
  return {
    ...given,
    ...{ state: 'pending', chain: null, key_sealed: null, pins: [], serial: null, issued_by: null },
    ...{ not_before: null, not_after: null, renew_at: null, failures: 0, last_error: null, warned_at: null },
    ...{ generation: 0, ordering: false, order_url: null, order_key_sealed: null, created_at: now, updated_at: now },
    ...{ created_by_type: by.type, created_by_id: by.id, created_by_name: by.name },
  };
};

/** Writes what happened into history, audit and, for those who should hear of it, the event log. */
export const note = async (
  tx: Transaction,
  call: Call,
  row: Pick<CertificateRow, 'id' | 'names' | 'issuer'>,
  act: HistoryRow['act'],
  now: Date,
  reason: string | null = null,
): Promise<void> => {
  const by = actorOf(call.caller);
  await certificatesStore.addHistory(tx.db, {
    ...{ id: newId(), certificate_id: row.id, names: row.names, act, reason, at: now },
    ...{ actor_type: by.type, actor_id: by.id, actor_name: by.name },
  });
  const kind =
    act === 'failed'
      ? certificateEvents.failed
      : act === 'deleted'
        ? certificateEvents.deleted
        : act === 'ordered'
          ? null
          : certificateEvents.issued;
  const body = { names: row.names, issuer: row.issuer, act, ...(reason === null ? {} : { reason }) };
  if (kind !== null) tx.emit({ kind, id: row.id, body });
  tx.audit({
    action: `certificates.${act}`,
    target_type: 'certificate',
    target_id: row.id,
    details: { names: row.names, issuer: row.issuer, ...(reason === null ? {} : { reason }) },
  });
};

/** The authority of this server; made when it is first needed, whoever needs it. */
export const authorityOf = async (parts: CertificateParts): Promise<MadePair> => {
  const { read } = parts.database;
  const known = await certificatesStore.authority(read);
  if (known !== null)
    return { certificate: known.certificate, key: parts.secrets.decrypt(known.key_sealed, places.authority) };
  const now = parts.clock.now();
  const made = await makeAuthority(`Atrium authority ${now.getUTCFullYear()}`, now);
  await certificatesStore.insertAuthority(
    read,
    made.certificate,
    parts.secrets.encrypt(made.key, places.authority),
    now,
  );
  // Another process may have been a moment earlier.
  return authorityOf(parts);
};

/** A certificate of the internal authority. */
export const issueInternal = async (
  parts: CertificateParts,
  id: string,
  names: readonly string[],
  /** Of the certificate before, when devices are to know the new one by it. */
  key: string | null = null,
): Promise<IssuedRow> => {
  const began = performance.now();
  const pair = await makeLeaf(await authorityOf(parts), names, parts.clock.now(), key);
  parts.onMade?.('internal', (performance.now() - began) / 1000);
  return issuedOf(parts, id, pair, true);
};
