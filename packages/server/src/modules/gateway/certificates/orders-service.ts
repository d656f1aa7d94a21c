import { setTimeout as pause } from 'node:timers/promises';
import type { Authorization, Client, Order } from 'acme-client';
import type { Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { withLease } from '../../../platform/jobs/lease.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { type Acme, AuthorityBusy, loadAcme } from './acme-library.ts';
import { type CertificateParts, places } from './certificate-parts.ts';
import type { CertificateRow } from './certificate-rows.ts';
import { certificatesStore } from './certificates-store.ts';
import { runDnsCommand } from './dns-command.ts';
import { issuedOf, note } from './issuing.ts';

export const orderJob = 'order-certificate';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** An authority that failed is asked again after five minutes, then ever later; limits of authorities count by the hour. */
const againAfter = (failures: number): number => Math.min(5 * minuteMs * 2 ** Math.min(failures, 8), 12 * hourMs);
const challengeLifeMs = hourMs;
/** What an authority may ask for at most. */
const longestPauseMs = 24 * hourMs;
/** An order whose job was given up, as after a long absence of the database, is begun anew. */
const lostAfterMs = 2 * hourMs;
const leasePollMs = 1000;
/** For processes beside this one to read a challenge. */
const publishingMs = 300;
const nobodys = '00000000-0000-0000-0000-000000000000';

/** What the authority said, or why it could not be asked. */
const wordsOf = (error: unknown): string => {
  const { message, code } = error as Error & { code?: string };
  const text = typeof message === 'string' && message !== '' ? message : String(code ?? error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 1000);
};

/** The authority has forgotten the order, or never had it (RFC 8555, 7.1.6 and 6.7). */
const isUnknown = (error: unknown): boolean => /not found|no such order|malformed|nothing here/i.test(wordsOf(error));

/** Certificates from an authority that speaks ACME (RFC 8555). */
export const createOrdersService = (
  parts: CertificateParts,
  /** Resolves when this process has read what was written before. */
  reload: () => Promise<void>,
) => {
  const { database, clock, secrets } = parts;
  const { read } = database;
  const holder = newId();

  const published = async (): Promise<void> => {
    await reload();
    await pause(publishingMs);
  };

  const systemCall = async (): Promise<Call> =>
    internalCall(systemCaller({ id: (await parts.orgOf()) ?? nobodys }), newId());

  /** The account at the authority; its key is made once, whichever process is first. */
  const openClient = async (acme: Acme): Promise<Client> => {
    const { directory, email } = parts.settings().acme;
    let account = await certificatesStore.account(read, directory);
    if (account === null) {
      const key = String(await acme.crypto.createPrivateEcdsaKey('P-256'));
      const sealed = secrets.encrypt(key, places.account(directory));
      await certificatesStore.insertAccount(read, directory, sealed, clock.now());
      account = (await certificatesStore.account(read, directory))!;
    }
    const client = new acme.Client({
      directoryUrl: directory,
      accountKey: secrets.decrypt(account.key_sealed, places.account(directory)),
      ...(account.url === null ? {} : { accountUrl: account.url }),
      ...{ backoffAttempts: 20, backoffMin: 1000, backoffMax: 15_000 },
    });
    if (account.url === null) {
      // The same key gives the same account, so a crash before the address is kept costs nothing.
      await client.createAccount({
        termsOfServiceAgreed: true,
        ...(email === null ? {} : { contact: [`mailto:${email}`] }),
      });
      await certificatesStore.noteAccount(read, directory, client.getAccountUrl());
    }
    return client;
  };

  /** The order that was begun before a crash, when the authority still has it. */
  const resumed = async (client: Client, row: CertificateRow): Promise<Order | null> => {
    if (row.order_url === null || row.order_key_sealed === null) return null;
    try {
      const order = await client.getOrder({ url: row.order_url } as Order);
      return order.status === 'invalid' ? null : { ...order, url: row.order_url };
    } catch (error) {
      // An authority that could not be asked may have the certificate ready: another order would be a second one.
      if ((error as { response?: { status?: number } }).response?.status === 404 || isUnknown(error)) return null;
      throw error;
    }
  };

  const begin = async (acme: Acme, client: Client, row: CertificateRow): Promise<{ order: Order; key: string }> => {
    const known = await resumed(client, row);
    if (known !== null) return { order: known, key: secrets.decrypt(row.order_key_sealed!, places.order(row.id)) };
    const key = String(await acme.crypto.createPrivateEcdsaKey('P-256'));
    const order = await client.createOrder({ identifiers: row.names.map((value) => ({ type: 'dns', value })) });
    await certificatesStore.noteOrder(read, row.id, order.url, secrets.encrypt(key, places.order(row.id)));
    return { order, key };
  };

  const prove = async (client: Client, row: CertificateRow, authorization: Authorization): Promise<void> => {
    if (authorization.status === 'valid') return;
    const { challenge: wanted, dns_command } = parts.settings().acme;
    const { value: bare } = authorization.identifier;
    const challenge = authorization.challenges.find(({ type }) => type === wanted);
    if (challenge === undefined)
      throw new Error(
        `The authority offers ${authorization.challenges.map(({ type }) => type).join(', ')} for ${bare}, and tls.acme.challenge is ${wanted}.`,
      );
    const answer = await client.getChallengeKeyAuthorization(challenge);
    const record = `_acme-challenge.${bare}`;
    await certificatesStore.putChallenge(read, {
      ...{ certificate_id: row.id, name: bare, kind: wanted, token: challenge.token, answer },
      expires_at: new Date(clock.now().getTime() + challengeLifeMs),
    });
    // Authorities look at once, and any process may be the one that is asked.
    await published();
    const dns = wanted === 'dns-01' ? dns_command : null;
    if (dns !== null) await runDnsCommand(dns, 'present', record, answer);
    try {
      await client.completeChallenge(challenge);
      await client.waitForValidStatus(challenge);
    } finally {
      if (dns !== null)
        await runDnsCommand(dns, 'cleanup', record, answer).catch((error: unknown) =>
          parts.onError(error, `the record ${record} is left behind`),
        );
    }
  };

  const finish = async (
    acme: Acme,
    client: Client,
    row: CertificateRow,
    order: Order,
    key: string,
  ): Promise<string> => {
    const [, request] = await acme.crypto.createCsr({ commonName: row.names[0]!, altNames: row.names }, key);
    const now = await client.getOrder(order);
    const going = { ...now, url: order.url };
    const finalized =
      now.status === 'valid' || now.status === 'processing' ? going : await client.finalizeOrder(going, request);
    return client.getCertificate({ ...finalized, url: order.url });
  };

  const fetchPair = async (row: CertificateRow): Promise<{ certificate: string; key: string }> => {
    const began = performance.now();
    const acme = await loadAcme(parts.fetch, parts.settings().acme.directory);
    const client = await openClient(acme);
    const { order, key } = await begin(acme, client, row);
    if (order.status === 'pending')
      for (const authorization of await client.getAuthorizations(order)) await prove(client, row, authorization);
    const certificate = await finish(acme, client, row, order, key);
    parts.onMade?.('acme', (performance.now() - began) / 1000);
    return { certificate, key };
  };

  const settle = async (row: CertificateRow, pair: { certificate: string; key: string }): Promise<void> => {
    const issued = issuedOf(parts, row.id, pair, true);
    await database.transaction(await systemCall(), async (tx) => {
      const now = clock.now();
      const current = await certificatesStore.find(tx.db, row.id, true);
      // Deleted, or ordered again, while the authority worked.
      if (current === null || current.generation !== row.generation) return;
      await certificatesStore.issue(tx.db, row.id, issued, now);
      await certificatesStore.removeChallenges(tx.db, row.id);
      await note(
        tx,
        await systemCall(),
        { ...row, names: issued.names },
        current.chain === null ? 'generated' : 'renewed',
        now,
      );
    });
  };

  const fail = async (row: CertificateRow, error: unknown): Promise<void> => {
    const words = wordsOf(error);
    parts.onError(error, `the certificate for ${row.names.join(', ')} could not be ordered`);
    const call = await systemCall();
    await database.transaction(call, async (tx) => {
      const now = clock.now();
      const asked = error instanceof AuthorityBusy ? error.again_ms : 0;
      const again_at = new Date(now.getTime() + Math.max(againAfter(row.failures), Math.min(asked, longestPauseMs)));
      const failed = await certificatesStore.failOrder(
        tx.db,
        { id: row.id, generation: row.generation, error: words, again_at },
        now,
      );
      if (failed === null) return;
      await certificatesStore.removeChallenges(tx.db, row.id);
      await note(tx, call, row, 'failed', now, words);
    });
  };

  return {
    /** Begins an order with the transaction; the job does the rest, in whichever process is there. */
    order: async (tx: Transaction, call: Call, row: CertificateRow): Promise<void> => {
      const now = clock.now();
      const generation = await certificatesStore.beginOrder(tx.db, row.id, now, new Date(now.getTime() + lostAfterMs));
      await note(tx, call, row, 'ordered', now);
      tx.enqueue({
        name: orderJob,
        id: `${orderJob}-${row.id}-${generation}`,
        args: { certificate_id: row.id, generation },
      });
    },

    /** The job. What a crash left of it is gone on with: the order and its key are rows. */
    run: async (certificateId: string, generation: number): Promise<void> => {
      const waits = async (): Promise<CertificateRow | null> => {
        const row = await certificatesStore.find(read, certificateId);
        return row?.issuer === 'acme' && row.generation === generation && row.ordering ? row : null;
      };
      const act = async (): Promise<void> => {
        const row = await waits();
        if (row === null) return;
        try {
          await settle(row, await fetchPair(row));
        } catch (error) {
          await fail(row, error);
        }
      };
      // A job may run in two processes at once after a crash; two would order twice, and authorities count.
      while (!(await withLease({ db: read, clock, holder }, `acme:${certificateId}`, 0, act))) {
        if ((await waits()) === null) return;
        await pause(leasePollMs);
      }
    },
  };
};

export type OrdersService = ReturnType<typeof createOrdersService>;
