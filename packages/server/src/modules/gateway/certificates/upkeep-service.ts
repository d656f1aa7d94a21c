import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { isCoveredBy, isPublicName, ownNames } from './certificate-names.ts';
import { type CertificateParts, certificateEvents, dayMs, places, type TellAdmins } from './certificate-parts.ts';
import type { CertificateRow } from './certificate-rows.ts';
import { certificatesStore } from './certificates-store.ts';
import { emptyRow, issueInternal, note } from './issuing.ts';
import type { OrdersService } from './orders-service.ts';

/** Renewal should have come long before. */
const warningDays = 14;
const historyDays = 400;
/** As many as one certificate may name. */
const mostNames = 100;
/** One round begins so many orders: authorities count them. */
const mostOrders = 10;
const nobodys = '00000000-0000-0000-0000-000000000000';

/** What the server does about its certificates by itself. */
export const createUpkeepService = (
  parts: CertificateParts,
  orders: OrdersService,
  tellAdmins: () => TellAdmins | null,
) => {
  const { database, clock } = parts;
  const { read } = database;

  const systemCall = async (): Promise<Call> =>
    internalCall(systemCaller({ id: (await parts.orgOf()) ?? nobodys }), newId());

  const names = async () => ownNames(parts.public_url(), parts.settings(), await certificatesStore.routeHosts(read));

  /**
   * One certificate of the internal authority for every name of this server. It is made anew for a name that is missing
   * and when its time has come, not for one that is gone: processes on different machines have different names. Its key
   * stays, since devices know it by that.
   */
  const keepInternal = async (): Promise<void> => {
    const wanted = (await names()).map(({ name }) => name).slice(0, mostNames);
    const managedOf = (rows: readonly CertificateRow[]) =>
      rows.find(({ managed, issuer }) => managed && issuer === 'internal') ?? null;
    const now = clock.now();
    const isYoung = (row: CertificateRow): boolean => row.renew_at !== null && row.renew_at > now;
    const isGood = (row: CertificateRow | null): boolean =>
      row !== null && row.state === 'active' && isYoung(row) && wanted.every((name) => row.names.includes(name));
    const known = managedOf(await certificatesStore.all(read));
    if (isGood(known)) return;
    const id = known?.id ?? newId();
    const all =
      known !== null && isYoung(known) ? [...new Set([...wanted, ...known.names])].slice(0, mostNames) : wanted;
    const key = known?.key_sealed == null ? null : parts.secrets.decrypt(known.key_sealed, places.certificate(id));
    const issued = await issueInternal(parts, id, all, key);
    const call = await systemCall();
    await database.transaction(call, async (tx) => {
      await certificatesStore.lock(tx.db);
      const current = managedOf(await certificatesStore.all(tx.db));
      // Another process was a moment earlier.
      if (isGood(current) || (current?.id ?? id) !== id) return;
      const row = current ?? emptyRow(call, now, { id, names: issued.names, issuer: 'internal', managed: true });
      if (current === null) await certificatesStore.insert(tx.db, { ...row, ...issued, state: 'active' });
      else await certificatesStore.issue(tx.db, id, issued, now);
      await note(tx, call, { ...row, names: issued.names }, current === null ? 'generated' : 'renewed', now);
    });
  };

  /** Orders what the authority can give and nobody has ordered. */
  const orderMissing = async (): Promise<void> => {
    const { challenge } = parts.settings().acme;
    const wanted = (await names())
      .filter(({ source, name }) => source !== 'machine' && source !== 'address' && isPublicName(name))
      .map(({ name }) => name)
      .filter((name) => challenge === 'dns-01' || !name.startsWith('*.'));
    const has = (rows: readonly CertificateRow[], name: string): boolean =>
      rows.some((row) => row.issuer !== 'internal' && isCoveredBy(row.names, name));
    const rows = await certificatesStore.all(read);
    if (wanted.every((name) => has(rows, name))) return;
    const call = await systemCall();
    await database.transaction(call, async (tx) => {
      await certificatesStore.lock(tx.db);
      const current = await certificatesStore.all(tx.db);
      const missing = wanted.filter((name) => !has(current, name)).slice(0, mostOrders);
      for (const name of missing) {
        const row = emptyRow(call, clock.now(), { id: newId(), names: [name], issuer: 'acme', managed: true });
        await certificatesStore.insert(tx.db, row);
        await orders.order(tx, call, row);
      }
    });
  };

  const renewDue = async (): Promise<void> => {
    const { mode } = parts.settings();
    const own = (await names()).map(({ name }) => name);
    for (const row of await certificatesStore.due(read, clock.now())) {
      const call = await systemCall();
      if (row.issuer === 'acme') {
        // What was ordered while the mode was another one waits for it to come back.
        if (mode === 'acme')
          await database.transaction(call, async (tx) => {
            const current = await certificatesStore.find(tx.db, row.id, true);
            if (current?.renew_at == null || current.renew_at > clock.now()) return;
            if (!current.managed || current.names.some((name) => own.includes(name)))
              return orders.order(tx, call, current);
            // The server ordered it for a host that no route has any more.
            await certificatesStore.delete(tx.db, current.id);
            await note(tx, call, current, 'deleted', clock.now(), 'this server no longer has the name');
          });
      } else if (!row.managed) {
        const issued = await issueInternal(parts, row.id, row.names);
        await database.transaction(call, async (tx) => {
          const renewed = await certificatesStore.issue(tx.db, row.id, issued, clock.now());
          if (renewed !== null) await note(tx, call, renewed, 'renewed', clock.now());
        });
      }
    }
  };

  const warn = async (): Promise<void> => {
    const now = clock.now();
    for (const row of await certificatesStore.ending(read, new Date(now.getTime() + warningDays * dayMs))) {
      const call = await systemCall();
      await database.transaction(call, async (tx) => {
        if (!(await certificatesStore.markWarned(tx.db, row.id, now))) return;
        const not_after = row.not_after!.toISOString();
        tx.emit({
          kind: certificateEvents.expiring,
          id: row.id,
          body: { names: row.names, issuer: row.issuer, not_after },
        });
        const why = row.last_error === null ? '' : ` Last attempt: ${row.last_error}`;
        const what =
          row.issuer === 'uploaded' ? 'Replace it under Services, Certificates.' : `It could not be renewed.${why}`;
        if (call.caller.org_id !== nobodys)
          await tellAdmins()?.(tx, call, {
            title: `The certificate for ${row.names[0]} ends on ${not_after.slice(0, 10)}`,
            message: what,
          });
      });
    }
  };

  /** Names may have come or gone. */
  const ensure = async (): Promise<void> => {
    const { mode } = parts.settings();
    if (mode === 'internal' || mode === 'acme') await keepInternal();
    if (mode === 'acme') await orderMissing();
  };

  return {
    ensure,
    /** Each minute, in one process. */
    sweep: async (): Promise<void> => {
      await ensure();
      await renewDue();
      await warn();
      await certificatesStore.removeExpiredChallenges(read, clock.now());
      await certificatesStore.pruneHistory(read, new Date(clock.now().getTime() - historyDays * dayMs));
    },
  };
};

export type UpkeepService = ReturnType<typeof createUpkeepService>;
