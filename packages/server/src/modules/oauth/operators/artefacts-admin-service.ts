import type {
  deviceCodesList,
  ParsedInputOf,
  registrationTokensCreate,
  registrationTokensList,
} from '@atrium/protocol';
import { notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import { artefactsStore } from '../stores/artefacts-store.ts';
import {
  type DeviceCodeRow,
  operatorListsStore,
  type RegistrationTokenRow,
  registrationTokensStore,
} from '../stores/operator-lists-store.ts';
import { actorsOf, createOperatorAct, type OperatorsContext, time, timeOrNull } from './operators-context.ts';

const hourMs = 60 * 60_000;
const isHash = (id: string): boolean => /^[0-9a-f]{64}$/.test(id);

/** Device codes that wait for a person, and tokens with which clients register themselves. */
export const createArtefactsAdminService = (context: OperatorsContext) => {
  const { database, clock, identity } = context;
  const act = createOperatorAct(context);

  const deviceCodeViews = async (rows: readonly DeviceCodeRow[]) => {
    const people = await identity.names.principals(rows.flatMap((row) => row.claimed_by ?? row.subject ?? []));
    const now = clock.now();
    return (row: DeviceCodeRow) => {
      const person = row.claimed_by ?? row.subject;
      return {
        id: row.id_hash,
        user_code_hint: row.user_code_hint,
        client: { id: row.client_id ?? '', name: row.client_name ?? row.client_id ?? '' },
        scopes: (row.scope ?? '').split(' ').filter((scope) => scope !== ''),
        state:
          row.consumed_at !== null
            ? ('used' as const)
            : row.expires_at <= now
              ? ('expired' as const)
              : person === null
                ? ('pending' as const)
                : ('claimed' as const),
        claimed_by: person === null ? null : { id: person, name: people.get(person)?.name ?? 'somebody gone' },
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
      };
    };
  };

  const tokenViews = async (rows: readonly RegistrationTokenRow[]) => {
    const actor = await actorsOf(
      identity.names,
      rows.map((row) => row.created_by),
    );
    return (row: RegistrationTokenRow) => ({
      id: row.id,
      note: row.note,
      created_by: actor(row.created_by),
      created_at: time(row.created_at),
      expires_at: time(row.expires_at),
      used_at: timeOrNull(row.consumed_at),
    });
  };

  return {
    deviceCodes: async (_call: Call, input: ParsedInputOf<typeof deviceCodesList>) => {
      const after = timePosition(input.cursor, isHash);
      const rows = await operatorListsStore.deviceCodes(database.read, {
        after,
        limit: input.limit + 1,
        now: clock.now(),
      });
      const position = (row: DeviceCodeRow) => ({ value: row.created_at, id: row.id_hash });
      return toPage(rows, input.limit, position, await deviceCodeViews(rows));
    },

    expireDeviceCode: (call: Call, { id }: { id: string }): Promise<null> =>
      act(call, async ({ tx, now, done }) => {
        const ended = await operatorListsStore.expireDeviceCode(tx.db, id, now);
        if (ended === null) throw notFound('The device code');
        await done(
          'device_code',
          'device_codes.expire',
          { type: 'device_code', id: id.slice(0, 12) },
          {
            client_id: ended.client_id,
          },
        );
        return null;
      }),

    registrationTokens: async (_call: Call, input: ParsedInputOf<typeof registrationTokensList>) => {
      const after = timePosition(input.cursor);
      const rows = await registrationTokensStore.page(database.read, {
        after,
        limit: input.limit + 1,
        now: clock.now(),
      });
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), await tokenViews(rows));
    },

    createRegistrationToken: (call: Call, input: ParsedInputOf<typeof registrationTokensCreate>) =>
      act(call, async ({ tx, now, done }) => {
        const [id, token] = [newId(), newToken()];
        const id_hash = hashToken(token);
        const expires_at = new Date(now.getTime() + input.expires_in_hours * hourMs);
        const seconds = (at: Date): number => Math.floor(at.getTime() / 1000);
        // The form in which the engine keeps its own, so that it knows this one.
        await artefactsStore.upsert(tx.db, 'InitialAccessToken', {
          id_hash,
          payload: { iat: seconds(now), exp: seconds(expires_at), kind: 'InitialAccessToken' },
          ...{ grant_id: null, uid: null, user_code: null, client_id: null, subject: null, expires_at },
        });
        const row = await registrationTokensStore.describe(tx.db, id_hash, {
          id,
          note: input.note,
          created_by: call.caller.id,
          at: now,
        });
        await done(
          'registration_token',
          'registration_tokens.create',
          { type: 'registration_token', id },
          { ...input },
        );
        return { registration_token: (await tokenViews([row]))(row), token };
      }),

    revokeRegistrationToken: (call: Call, { id }: { id: string }): Promise<null> =>
      act(call, async ({ tx, done }) => {
        const row = await registrationTokensStore.delete(tx.db, id);
        if (row === null) throw notFound('The registration token');
        await done(
          'registration_token',
          'registration_tokens.revoke',
          { type: 'registration_token', id },
          {
            note: row.note,
          },
        );
        return null;
      }),
  };
};
export type ArtefactsAdminService = ReturnType<typeof createArtefactsAdminService>;
