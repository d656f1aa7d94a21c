import { createPrivateKey } from 'node:crypto';
import type { ProviderPreset } from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { IdentityContext } from './identity-context.ts';
import { createProviderClient, type ProviderClient, providerFailed } from './provider-client.ts';
import { type ProviderRow, type ProviderSettings, providersStore } from './providers-store.ts';
import { requireFresh } from './step-up.ts';
import { requireOperator } from './users-admin-service.ts';

type Settings = Omit<ProviderSettings, 'client_id'>;

export const providerPlace = (id: string): string => `identity_providers.secret:${id}`;

/** Members that a preset takes; a needed one is marked. */
const members: Record<ProviderPreset, Partial<Record<keyof Settings, 'needed' | 'taken'>>> = {
  github: { base_url: 'taken', api_url: 'taken', scopes: 'taken' },
  google: { issuer: 'taken', scopes: 'taken' },
  apple: { issuer: 'taken', team_id: 'needed', key_id: 'needed', scopes: 'taken' },
  microsoft: { issuer: 'taken', tenant: 'taken', scopes: 'taken' },
  okta: { issuer: 'needed', scopes: 'taken' },
  auth0: { issuer: 'needed', scopes: 'taken' },
  gitlab: { issuer: 'taken', scopes: 'taken' },
  oidc: { issuer: 'needed', scopes: 'taken' },
};

const requireSettings = (preset: ProviderPreset, settings: Settings): void => {
  const takes = members[preset];
  for (const name of Object.keys(settings) as (keyof Settings)[]) {
    if (settings[name] !== undefined && takes[name] === undefined) {
      throw invalid(`settings.${name}`, `does not belong to ${preset}`);
    }
  }
  for (const [name, need] of Object.entries(takes)) {
    if (need === 'needed' && settings[name as keyof Settings] === undefined) {
      throw invalid(`settings.${name}`, `is needed for ${preset}`);
    }
  }
};

const requireSecret = (preset: ProviderPreset, secret: string | undefined): void => {
  if (preset !== 'apple' || secret === undefined) return;
  try {
    if (createPrivateKey(secret).asymmetricKeyDetails?.namedCurve === 'prime256v1') return;
  } catch {
    // Said below in words that do not repeat the key.
  }
  throw invalid('client_secret', 'must be the private key of Apple in PEM, as in its .p8 file');
};

const view = (row: ProviderRow, origin: string) => {
  const { client_id, ...settings } = row.settings;
  return {
    ...{ id: row.id, slug: row.slug, preset: row.preset, name: row.name, client_id, settings },
    has_secret: row.secret !== null,
    ...{ enabled: row.enabled, may_vouch: row.may_vouch, generation: row.generation },
    callback_url: `${origin}/auth/oauth/${row.slug}/callback`,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
};

/** Sign-in providers as operators keep them, and the clients that speak to them. */
export const createProvidersService = (context: IdentityContext) => {
  const { clock, database, fetch, options, secrets, transact } = context;
  const db = database.read;
  /** By row and generation, so that a change counts at once and metadata is not fetched for each sign-in. */
  const clients = new Map<string, { key: string; until: number; client: ProviderClient }>();
  const clientMs = 10 * 60 * 1000;

  const clientOf = (row: ProviderRow): ProviderClient => {
    const key = `${row.id}:${row.generation}`;
    const now = clock.now().getTime();
    const held = clients.get(row.id);
    if (held?.key === key && held.until > now) return held.client;
    const secret = row.secret === null ? null : secrets.decrypt(row.secret, providerPlace(row.id));
    const client = createProviderClient(row, secret, fetch, () => clock.now());
    clients.set(row.id, { key, until: now + clientMs, client });
    return client;
  };

  const seal = (id: string, secret: string | undefined): string | null =>
    secret === undefined ? null : secrets.encrypt(secret, providerPlace(id));

  const shown = (row: ProviderRow) => view(row, options.public_url());

  return {
    clientOf,

    list: async (_call: Call, input: { limit: number; cursor?: string | undefined }) => {
      const rows = await providersStore.page(db, timePosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), shown);
    },

    create: async (
      call: Call,
      input: {
        slug: string;
        preset: ProviderPreset;
        name: string;
        client_id: string;
        client_secret?: string | undefined;
        settings: Settings;
        enabled: boolean;
        may_vouch: boolean;
      },
    ) => {
      await requireFresh(context, call);
      const { slug, preset, name, client_id, client_secret, settings, enabled, may_vouch } = input;
      requireSettings(preset, settings);
      requireSecret(preset, client_secret);
      if ((preset === 'apple' || preset === 'github') && client_secret === undefined) {
        throw invalid('client_secret', `is needed for ${preset}`);
      }
      return transact(call, 'providers.create', async (tx) => {
        await requireOperator(tx, call.caller);
        const [id, at] = [newId(), clock.now()];
        const row: ProviderRow = {
          ...{ id, slug, preset, name, settings: { ...settings, client_id }, secret: seal(id, client_secret) },
          ...{ enabled, may_vouch, generation: 1, created_at: at, updated_at: at },
        };
        await providersStore.insert(tx.db, row);
        const details = { slug, preset, name, client_id, enabled, may_vouch };
        tx.audit({ action: 'providers.create', target_type: 'provider', target_id: id, details });
        return shown(row);
      });
    },

    update: async (
      call: Call,
      input: {
        id: string;
        generation?: number | undefined;
        name?: string | undefined;
        client_id?: string | undefined;
        client_secret?: string | undefined;
        settings?: Settings | undefined;
        enabled?: boolean | undefined;
        may_vouch?: boolean | undefined;
      },
    ) => {
      await requireFresh(context, call);
      return transact(call, 'providers.update', async (tx) => {
        await requireOperator(tx, call.caller);
        const old = await providersStore.lock(tx.db, input.id);
        if (old === null) throw notFound('The provider');
        if (input.generation !== undefined && input.generation !== old.generation) {
          throw new AppError('generation_conflict', 'Somebody changed the provider; read it again.', {
            extensions: { generation: old.generation },
          });
        }
        const { client_id: oldClient, ...oldSettings } = old.settings;
        const settings = input.settings ?? oldSettings;
        requireSettings(old.preset, settings);
        requireSecret(old.preset, input.client_secret);
        const row: ProviderRow = {
          ...old,
          name: input.name ?? old.name,
          settings: { ...settings, client_id: input.client_id ?? oldClient },
          secret: seal(old.id, input.client_secret) ?? old.secret,
          enabled: input.enabled ?? old.enabled,
          may_vouch: input.may_vouch ?? old.may_vouch,
          generation: old.generation + 1,
          updated_at: clock.now(),
        };
        await providersStore.update(tx.db, row);
        const changed = Object.keys(input).filter((name) => name !== 'id' && name !== 'generation');
        tx.audit({
          ...{ action: 'providers.update', target_type: 'provider', target_id: row.id },
          details: { slug: row.slug, changed },
        });
        return shown(row);
      });
    },

    delete: async (call: Call, input: { id: string }): Promise<null> => {
      await requireFresh(context, call);
      return transact(call, 'providers.delete', async (tx) => {
        await requireOperator(tx, call.caller);
        const row = await providersStore.lock(tx.db, input.id);
        if (row === null) throw notFound('The provider');
        await providersStore.delete(tx.db, row.id);
        const details = { slug: row.slug, name: row.name };
        tx.audit({ action: 'providers.delete', target_type: 'provider', target_id: row.id, details });
        return null;
      });
    },

    test: async (_call: Call, input: { id: string }) => {
      const row = await providersStore.find(db, input.id);
      if (row === null) throw notFound('The provider');
      clients.delete(row.id);
      try {
        return { ok: true, detail: await clientOf(row).probe() };
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
        return {
          ok: false,
          detail: cause instanceof Error ? cause.message.slice(0, 300) : providerFailed(error).message,
        };
      }
    },
  };
};

export type ProvidersService = ReturnType<typeof createProvidersService>;
