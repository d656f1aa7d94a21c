import { randomBytes } from 'node:crypto';
import type {
  ClientView,
  clientDocumentsList,
  clientsCreate,
  clientsList,
  clientsRegister,
  clientsUpdate,
  ParsedInputOf,
} from '@atrium/protocol';
import { clientRights, identityScopes, scopes } from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import type { RotationVisit } from '../../../platform/secrets/secret-box.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import { secretPlace, storedSecret } from '../clients/client-secrets.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { type ClientChanges, type ClientDraft, type ClientRow, clientsStore } from '../stores/clients-store.ts';
import {
  type ListedClientRow,
  operatorListsStore,
  resourcesAdminStore,
  secretRevealsStore,
} from '../stores/operator-lists-store.ts';
import { logoutSettings, withLogout, withoutLogout } from './client-logout.ts';
import { certificateSettings, requireSoundClient, withCertificate, withSecret } from './client-rules.ts';
import {
  type AdminAct,
  actorsOf,
  changedMeanwhile,
  createOperatorAct,
  type OperatorsContext,
  time,
  timeOrNull,
} from './operators-context.ts';

const revealMs = 15 * 60_000;
const secretPrefix = 'acs_';

type Settings = ParsedInputOf<typeof clientsCreate>;

const revealPlace = (id: string): string => `oauth_secret_reveals.secret:${id}`;

const metadataOf = (
  known: Record<string, unknown>,
  given: { application_type?: unknown; client_uri?: unknown; contacts?: unknown },
): Record<string, unknown> => {
  const next = { ...known };
  for (const [member, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (value === null || (Array.isArray(value) && value.length === 0)) delete next[member];
    else next[member] = value;
  }
  return next;
};

const onlyLoopback = (uris: readonly string[]): boolean =>
  uris.length > 0 && uris.every((uri) => !uri.startsWith('https:'));

/** Clients of the whole server. */
export const createClientsAdminService = (context: OperatorsContext) => {
  const { database, clock, secrets, endings, identity, public_url, forgetClient, certificates } = context;
  const act = createOperatorAct(context);

  const views = async (rows: readonly ListedClientRow[]): Promise<(row: ListedClientRow) => ClientView> => {
    const [actor, orgs] = await Promise.all([
      actorsOf(
        identity.names,
        rows.map((row) => row.created_by),
      ),
      identity.names.orgs(rows.flatMap((row) => row.org_id ?? [])),
    ]);
    return (row) => {
      const { application_type, client_uri, contacts } = row.metadata;
      return {
        id: row.id,
        client_id: row.client_id,
        origin: row.origin,
        name: row.name,
        auth_method: row.auth_method,
        grant_types: row.grant_types,
        redirect_uris: row.redirect_uris,
        scopes: row.scopes,
        allowed_resources: row.allowed_resources,
        allowed_actors: row.allowed_actors,
        application_type: application_type === 'native' ? 'native' : 'web',
        client_uri: typeof client_uri === 'string' ? client_uri : null,
        contacts: Array.isArray(contacts) ? contacts.map(String) : [],
        jwks_uri: row.jwks_uri,
        key_ids: (row.jwks?.keys ?? []).map((key) => String(key['kid'] ?? key['kty'])),
        secret_prefix: row.secret_prefix,
        secret_expires_at: timeOrNull(row.secret_expires_at),
        require_state: row.require_state,
        dpop_required: row.dpop_required,
        ...certificateSettings(row.metadata),
        skip_consent: row.skip_consent,
        ...logoutSettings(row.metadata),
        org: row.org_id === null ? null : { id: row.org_id, name: orgs.get(row.org_id) ?? '' },
        created_by: actor(row.created_by),
        enabled: row.enabled,
        version: row.version,
        created_at: time(row.created_at),
        updated_at: time(row.updated_at),
        consented_at: timeOrNull(row.consented_at),
        last_used_at: timeOrNull(row.last_used_at),
        live_tokens: row.live_tokens,
        live_grants: row.live_grants,
      };
    };
  };

  const show = async (tx: AdminAct['tx'], id: string): Promise<ClientView> => {
    const row = (await operatorListsStore.client(tx.db, id, clock.now()))!;
    return (await views([row]))(row);
  };

  const lock = async (tx: AdminAct['tx'], id: string): Promise<ClientRow> => {
    const row = await clientsStore.lock(tx.db, id);
    if (row === null) throw notFound('The client');
    // Whoever changes it here expects the next request here to be judged by that; others hear of it by notice.
    tx.afterCommit(() => forgetClient(row.client_id));
    return row;
  };

  /** A scope that nothing here has would be a typing error that nobody finds. */
  const requireKnownScopes = async (tx: AdminAct['tx'], names: readonly string[]): Promise<void> => {
    const own = names.filter((name) => ![scopes, identityScopes, clientRights].some((known) => name in known));
    if (own.length === 0) return;
    const known = await resourcesAdminStore.scopesAmong(tx.db, own);
    const wrong = own.find((name) => !known.includes(name));
    if (wrong !== undefined) throw invalid(`scopes.${names.indexOf(wrong)}`, `no resource has the scope ${wrong}`);
  };

  const requireOrg = async (orgId: string): Promise<void> => {
    if (!(await identity.names.orgs([orgId])).has(orgId)) throw notFound('The organisation');
  };

  const insert = async ({ tx, now, done }: AdminAct, call: Call, input: Settings) => {
    const application_type = input.application_type ?? (onlyLoopback(input.redirect_uris) ? 'native' : 'web');
    requireSoundClient({ ...input, application_type }, certificates);
    await requireKnownScopes(tx, input.scopes);
    const org_id = input.org_id ?? call.caller.org_id;
    if (input.org_id !== undefined) await requireOrg(input.org_id);
    const secret = withSecret.has(input.auth_method) ? newToken(secretPrefix) : null;
    const { name, auth_method, jwks, jwks_uri, client_uri, contacts } = input;
    const id = newId();
    const stored = secret === null ? null : storedSecret(secrets, { id, auth_method }, secret);
    const draft: ClientDraft = {
      id,
      client_id: `client_${randomBytes(16).toString('base64url')}`,
      origin: 'operator',
      name,
      metadata: withLogout(
        withCertificate(metadataOf({}, { application_type, client_uri, contacts }), input),
        input,
        input.redirect_uris,
      ),
      secret_hash: stored?.hash ?? null,
      secret_sealed: stored?.sealed ?? null,
      secret_prefix: stored?.prefix ?? null,
      secret_expires_at: null,
      jwks,
      jwks_uri,
      auth_method,
      grant_types: [...new Set(input.grant_types)],
      redirect_uris: [...new Set(input.redirect_uris)],
      scopes: [...new Set(input.scopes)],
      allowed_resources: [...new Set(input.allowed_resources)],
      allowed_actors: [...new Set(input.allowed_actors)],
      require_state: input.require_state,
      dpop_required: input.dpop_required,
      skip_consent: input.skip_consent,
      org_id,
      owner_id: call.caller.id,
      created_by: call.caller.id,
      enabled: true,
    };
    await clientsStore.insert(tx.db, draft, now);
    tx.emit({
      kind: oauthEvents.clientRegistered,
      id: draft.id,
      org_id: nilId,
      body: { client_id: draft.client_id, name },
    });
    await done(
      'client',
      'clients.create',
      { type: 'client', id: draft.id },
      {
        client_id: draft.client_id,
        name,
        auth_method,
        grant_types: draft.grant_types,
        scopes: draft.scopes,
      },
    );
    return { draft, secret };
  };

  const setEnabled = (call: Call, id: string, enabled: boolean): Promise<ClientView> =>
    act(call, async ({ tx, now, done }) => {
      const row = await lock(tx, id);
      if (row.enabled === enabled) return show(tx, id);
      await clientsStore.update(tx.db, id, row.version, { enabled }, now);
      // Enabling it again must not bring back what it held before.
      if (!enabled) await endings.client(tx, row.client_id, now);
      tx.emit({ kind: oauthEvents.clientUpdated, id, org_id: nilId, body: { client_id: row.client_id, enabled } });
      await done(
        'client',
        enabled ? 'clients.enable' : 'clients.disable',
        { type: 'client', id },
        {
          client_id: row.client_id,
          name: row.name,
        },
      );
      return show(tx, id);
    });

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof clientsList>) => {
      const { limit, cursor, ...filter } = input;
      const now = clock.now();
      const rows = await operatorListsStore.clients(database.read, {
        ...filter,
        after: timePosition(cursor),
        limit: limit + 1,
        now,
      });
      return toPage(rows, limit, (row) => ({ value: row.created_at, id: row.id }), await views(rows));
    },

    get: async (_call: Call, { id }: { id: string }) => {
      const row = await operatorListsStore.client(database.read, id, clock.now());
      if (row === null) throw notFound('The client');
      return (await views([row]))(row);
    },

    create: (call: Call, input: Settings) =>
      act(call, async (parts) => {
        const { draft, secret } = await insert(parts, call, input);
        return { client: await show(parts.tx, draft.id), client_secret: secret };
      }),

    /** For tools: what a model reads must not hold a secret, so a link stands in for it. */
    register: (call: Call, input: ParsedInputOf<typeof clientsRegister>) =>
      act(call, async (parts) => {
        const { tx, now } = parts;
        const { draft, secret } = await insert(parts, call, {
          ...{ name: input.client_name, auth_method: 'client_secret_basic', redirect_uris: input.redirect_uris },
          ...{ grant_types: input.grant_types, scopes: input.scope.split(' ').filter((scope) => scope !== '') },
          ...{ allowed_resources: [], allowed_actors: [], client_uri: null, contacts: [], jwks: null, jwks_uri: null },
          ...{ require_state: false, dpop_required: false, skip_consent: false },
          ...{ certificate_required: false, certificate_name: null },
        });
        const [id, token] = [newId(), newToken()];
        const expires_at = new Date(now.getTime() + revealMs);
        await secretRevealsStore.insert(tx.db, {
          id,
          hash: hashToken(token),
          client_row: draft.id,
          operator_id: call.caller.id,
          secret_sealed: secrets.encrypt(secret!, revealPlace(id)),
          expires_at,
        });
        return {
          client: await show(tx, draft.id),
          // Behind the hash, so that neither a log nor a referrer ever holds it.
          reveal_url: `${public_url()}/server/reveal#${token}`,
          reveal_expires_at: expires_at.toISOString(),
        };
      }),

    reveal: (call: Call, { token }: { token: string }) =>
      act(call, async ({ tx, now, done }) => {
        const taken = await secretRevealsStore.take(tx.db, hashToken(token), call.caller.id, now);
        if (taken === null)
          throw new AppError('not_found', 'This link was used, has expired, or was made for another operator.');
        const client = (await clientsStore.byId(tx.db, taken.client_row))!;
        await done(
          'client',
          'clients.reveal_secret',
          { type: 'client', id: client.id },
          { client_id: client.client_id },
        );
        return {
          client: { id: client.client_id, name: client.name },
          client_secret: secrets.decrypt(taken.secret_sealed, revealPlace(taken.id)),
        };
      }),

    update: (call: Call, input: ParsedInputOf<typeof clientsUpdate>) =>
      act(call, async ({ tx, now, done }) => {
        const {
          id,
          version,
          application_type,
          client_uri,
          contacts,
          certificate_required,
          certificate_name,
          ...given
        } = input;
        const row = await lock(tx, id);
        if (row.version !== version) throw changedMeanwhile('The client', row.version);
        if (row.origin === 'registered' && given.skip_consent === true)
          throw invalid('skip_consent', 'a client that registered itself always asks');
        const metadata = withLogout(
          withCertificate(metadataOf(row.metadata, { application_type, client_uri, contacts }), {
            ...{ certificate_required, certificate_name },
          }),
          given,
          given.redirect_uris ?? row.redirect_uris,
        );
        const changes = Object.fromEntries(
          Object.entries(withoutLogout(given)).filter(([, value]) => value !== undefined),
        ) as ClientChanges;
        requireSoundClient(
          {
            ...row,
            ...changes,
            ...certificateSettings(metadata),
            application_type: metadata['application_type'] === 'native' ? 'native' : 'web',
          },
          certificates,
        );
        if (changes.scopes !== undefined) await requireKnownScopes(tx, changes.scopes);
        await clientsStore.update(tx.db, id, version, { ...changes, metadata }, now);
        tx.emit({ kind: oauthEvents.clientUpdated, id, org_id: nilId, body: { client_id: row.client_id } });
        const { jwks: _keys, ...told } = changes;
        await done('client', 'clients.update', { type: 'client', id }, { client_id: row.client_id, ...told });
        return show(tx, id);
      }),

    enable: (call: Call, { id }: { id: string }) => setEnabled(call, id, true),
    disable: (call: Call, { id }: { id: string }) => setEnabled(call, id, false),

    rotateSecret: (call: Call, { id }: { id: string }) =>
      act(call, async ({ tx, now, done }) => {
        const row = await lock(tx, id);
        if (!withSecret.has(row.auth_method))
          throw invalid('id', `this client authenticates by ${row.auth_method}, which has no secret`);
        const secret = newToken(secretPrefix);
        await clientsStore.setSecret(tx.db, id, storedSecret(secrets, row, secret), now);
        // A link to the former secret would show one that no longer works.
        await secretRevealsStore.deleteOfClient(tx.db, id);
        tx.emit({ kind: oauthEvents.clientUpdated, id, org_id: nilId, body: { client_id: row.client_id } });
        await done('client', 'clients.rotate_secret', { type: 'client', id }, { client_id: row.client_id });
        return { client: await show(tx, id), client_secret: secret };
      }),

    delete: (call: Call, { id }: { id: string }): Promise<null> =>
      act(call, async ({ tx, now, done }) => {
        const row = await lock(tx, id);
        await endings.client(tx, row.client_id, now);
        await clientsStore.delete(tx.db, id);
        tx.emit({
          kind: oauthEvents.clientDeleted,
          id,
          org_id: nilId,
          body: { client_id: row.client_id, name: row.name },
        });
        await done('client', 'clients.delete', { type: 'client', id }, { client_id: row.client_id, name: row.name });
        return null;
      }),

    documents: async (_call: Call, input: ParsedInputOf<typeof clientDocumentsList>) => {
      const after = timePosition(input.cursor, (id) => id.startsWith('https://'));
      const rows = await operatorListsStore.clientDocuments(database.read, {
        q: input.q,
        after,
        limit: input.limit + 1,
        now: clock.now(),
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.last_used_at, id: row.client_id }),
        (row) => ({
          client_id: row.client_id,
          host: row.host,
          name: typeof row.metadata['client_name'] === 'string' ? row.metadata['client_name'] : row.host,
          redirect_uris: Array.isArray(row.metadata['redirect_uris']) ? row.metadata['redirect_uris'].map(String) : [],
          fetched_at: time(row.fetched_at),
          fresh_until: time(row.fresh_until),
          last_used_at: time(row.last_used_at),
          live_grants: row.live_grants,
        }),
      );
    },

    /** For a new master key. */
    rotateSealed: (async (reencrypt) => {
      for (const { id, secret_sealed } of await clientsStore.sealed(database.read)) {
        const renewed = reencrypt(secret_sealed, secretPlace(id));
        if (renewed !== null) await clientsStore.replaceSealed(database.read, id, secret_sealed, renewed);
      }
      for (const { id, secret_sealed } of await secretRevealsStore.all(database.read)) {
        const renewed = reencrypt(secret_sealed, revealPlace(id));
        if (renewed !== null) await secretRevealsStore.replaceSealed(database.read, id, secret_sealed, renewed);
      }
    }) satisfies RotationVisit,
  };
};

export type ClientsAdminService = ReturnType<typeof createClientsAdminService>;
