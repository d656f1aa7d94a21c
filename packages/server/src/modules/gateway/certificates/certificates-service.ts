import { X509Certificate } from 'node:crypto';
import type {
  CertificateView,
  certificatesAuthority,
  certificatesCreate,
  certificatesGet,
  certificatesHistory,
  certificatesList,
  certificatesReplace,
  certificatesSuggest,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { fingerprintOf } from './certificate-making.ts';
import { isCoveredBy, isPublicName, ownNames } from './certificate-names.ts';
import type { CertificateParts } from './certificate-parts.ts';
import type { CertificateRow } from './certificate-rows.ts';
import { certificatesStore } from './certificates-store.ts';
import { emptyRow, issuedOf, issueInternal, note } from './issuing.ts';

const viewOf = (row: CertificateRow): CertificateView => ({
  id: row.id,
  names: row.names,
  issuer: row.issuer,
  issued_by: row.issued_by,
  state: row.state,
  managed: row.managed,
  not_before: row.not_before?.toISOString() ?? null,
  not_after: row.not_after?.toISOString() ?? null,
  renew_at: row.renew_at?.toISOString() ?? null,
  pin: row.pins[0] ?? null,
  serial: row.serial,
  failures: row.failures,
  last_error: row.last_error,
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

const unusable = (reason: string): AppError =>
  new AppError('certificate_unusable', `The certificate cannot be used: ${reason}.`, { extensions: { reason } });

/** What people who run the server do with its certificates. */
export const createCertificatesService = (
  parts: CertificateParts,
  /** Begins an order in a transaction; its job runs after the commit. */
  order: (tx: Transaction, call: Call, row: CertificateRow) => Promise<void>,
  /** Whether a name would get a certificate that names it. */
  covers: (name: string) => boolean,
) => {
  const { database, clock } = parts;
  const { read } = database;

  const find = async (db: typeof read, id: string, lock = false): Promise<CertificateRow> => {
    const row = await certificatesStore.find(db, id, lock);
    if (row === null) throw notFound('The certificate');
    return row;
  };

  const namesOf = async () => ownNames(parts.public_url(), parts.settings(), await certificatesStore.routeHosts(read));

  const checkOrder = async (names: readonly string[]): Promise<void> => {
    const { acme } = parts.settings();
    const own = (await namesOf()).map(({ name }) => name);
    for (const [at, name] of names.entries()) {
      if (!own.includes(name) && !isCoveredBy(own, name))
        throw invalid(`names.${at}`, `${name} is no name of this server: give it to a route, or to server.extra_hosts`);
      if (name.startsWith('*.') && acme.challenge !== 'dns-01')
        throw invalid(`names.${at}`, 'authorities give wildcards by the challenge dns-01 alone (tls.acme.challenge)');
    }
  };

  const create = async (
    call: Call,
    input: ParsedInputOf<typeof certificatesCreate>,
  ): Promise<OutputOf<typeof certificatesCreate>> => {
    const id = newId();
    const now = clock.now();
    if (input.kind === 'upload') {
      if (input.names !== undefined) throw invalid('names', 'an uploaded certificate says its names itself');
      if (input.chain === undefined) throw invalid('chain', 'is needed to upload a certificate');
      if (input.key === undefined) throw invalid('key', 'is needed to upload a certificate');
      const issued = issuedOf(parts, id, { certificate: input.chain, key: input.key }, false);
      const row = emptyRow(call, now, { id, names: issued.names, issuer: 'uploaded', managed: false });
      return database.transaction(call, async (tx) => {
        await certificatesStore.insert(tx.db, { ...row, ...issued, state: 'active' });
        await note(tx, call, { ...row, names: issued.names }, 'uploaded', now);
        return viewOf(await find(tx.db, id));
      });
    }
    if (input.chain !== undefined || input.key !== undefined)
      throw invalid(input.chain === undefined ? 'key' : 'chain', 'belongs to the kind `upload`');
    if (input.names === undefined) throw invalid('names', 'say for which names');
    const names = [...new Set(input.names)];
    if (input.kind === 'internal') {
      const issued = await issueInternal(parts, id, names);
      const row = emptyRow(call, now, { id, names, issuer: 'internal', managed: false });
      return database.transaction(call, async (tx) => {
        await certificatesStore.insert(tx.db, { ...row, ...issued, state: 'active' });
        await note(tx, call, row, 'generated', now);
        return viewOf(await find(tx.db, id));
      });
    }
    await checkOrder(names);
    return database.transaction(call, async (tx) => {
      const row = emptyRow(call, now, { id, names, issuer: 'acme', managed: false });
      await certificatesStore.insert(tx.db, row);
      await order(tx, call, row);
      return viewOf(await find(tx.db, id));
    });
  };

  const renew = async (call: Call, id: string): Promise<CertificateView> => {
    const found = await find(read, id);
    if (found.issuer === 'uploaded') throw unusable('it was uploaded; replace it by a newer one');
    if (found.issuer === 'acme')
      return database.transaction(call, async (tx) => {
        await order(tx, call, await find(tx.db, id, true));
        return viewOf(await find(tx.db, id));
      });
    const issued = await issueInternal(parts, id, found.names);
    return database.transaction(call, async (tx) => {
      const row = await certificatesStore.issue(tx.db, id, issued, clock.now());
      if (row === null) throw notFound('The certificate');
      await note(tx, call, row, 'renewed', clock.now());
      return viewOf(row);
    });
  };

  const replace = async (
    call: Call,
    { id, chain, key }: ParsedInputOf<typeof certificatesReplace>,
  ): Promise<CertificateView> => {
    const found = await find(read, id);
    if (found.issuer !== 'uploaded') throw unusable('it renews itself; upload another one beside it');
    const issued = issuedOf(parts, id, { certificate: chain, key }, false);
    return database.transaction(call, async (tx) => {
      const row = await certificatesStore.issue(tx.db, id, issued, clock.now());
      if (row === null) throw notFound('The certificate');
      await note(tx, call, row, 'replaced', clock.now());
      return viewOf(row);
    });
  };

  return {
    list: async (input: ParsedInputOf<typeof certificatesList>): Promise<OutputOf<typeof certificatesList>> => {
      const { search, issuer, state } = input;
      const after = timePosition(input.cursor);
      const rows = await certificatesStore.page(read, { search, issuer, state }, after, input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), viewOf);
    },
    get: async (id: string): Promise<OutputOf<typeof certificatesGet>> => {
      const row = await find(read, id);
      return { ...viewOf(row), chain: row.chain };
    },
    create,
    renew,
    replace,
    remove: (call: Call, id: string): Promise<null> =>
      database.transaction(call, async (tx) => {
        const row = await find(tx.db, id, true);
        if (row.managed && row.issuer === 'internal')
          throw unusable('the server keeps it for its own names, and would make it again');
        await certificatesStore.delete(tx.db, id);
        await note(tx, call, row, 'deleted', clock.now());
        return null;
      }),
    suggest: async (): Promise<OutputOf<typeof certificatesSuggest>> => ({
      mode: parts.settings().mode,
      names: (await namesOf()).map(({ name, source }) => ({
        ...{ name, source },
        covered: covers(name),
        public: isPublicName(name),
      })),
    }),
    history: async (
      input: ParsedInputOf<typeof certificatesHistory>,
    ): Promise<OutputOf<typeof certificatesHistory>> => {
      const rows = await certificatesStore.history(
        read,
        input.certificate_id,
        timePosition(input.cursor),
        input.limit + 1,
      );
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.at, id: row.id }),
        ({ id, certificate_id, names, act, reason, at, ...by }) => ({
          ...{ id, certificate_id, names, act, reason, at: at.toISOString() },
          actor: { type: by.actor_type, id: by.actor_id, name: by.actor_name },
        }),
      );
    },
    authority: async (): Promise<OutputOf<typeof certificatesAuthority>> => {
      const known = await certificatesStore.authority(read);
      if (known === null)
        throw new AppError(
          'not_found',
          'This server has no authority of its own yet: it is made with the first internal certificate.',
        );
      const certificate = new X509Certificate(known.certificate);
      return {
        pem: known.certificate,
        fingerprint: fingerprintOf(certificate),
        not_after: new Date(certificate.validTo).toISOString(),
      };
    },
  };
};

export type CertificatesService = ReturnType<typeof createCertificatesService>;
