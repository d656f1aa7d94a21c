import { createHmac, randomInt } from 'node:crypto';
import {
  companionScopes,
  deviceScopeCovers,
  hasPermission,
  normalisePairingCode,
  type ParsedInputOf,
  pairingAlphabet,
  pairingCheck,
  pairingCodeLength,
  pairingLink,
  type pairingsComplete,
} from '@atrium/protocol';
import type { EnrolmentToken, Rate } from '../../platform/config/value-types.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { verifyProof } from '../../platform/secrets/dpop-proof.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import { tokenPrefixes } from './credentials.ts';
import { credentialsStore } from './credentials-store.ts';
import { currentCaller } from './current-caller.ts';
import { endDevices } from './device-endings.ts';
import { type DeviceKey, readDeviceKey } from './device-key.ts';
import { readDeviceScopes } from './devices-service.ts';
import { devicesStore } from './devices-store.ts';
import { giveGuessBack, requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { deviceView } from './identity-views.ts';
import { type PairingRow, pairingsStore } from './pairings-store.ts';
import { subjectsStore } from './subjects-store.ts';

/** Wrong codes and wrong completions of one address, which shut out nobody else. */
const guessRate: Rate = { max: 5, windowMs: 5 * 60_000 };
const mostOpen = 10;
/** What companions may expect of this server. */
const capabilities = ['catalogue', 'events', 'apps', 'refresh'];
const nobody = '00000000-0000-0000-0000-000000000000';

/** Drawn letter by letter without a remainder, so that each code is as likely as any other: 49.5 bits. */
const newCode = (): string =>
  Array.from({ length: pairingCodeLength }, () => pairingAlphabet[randomInt(pairingAlphabet.length)]).join('');

/** The same for whatever is wrong, so that a stranger learns nothing of codes that are or were. */
const dead = (): AppError => new AppError('pairing_invalid');

const isOpen = (row: PairingRow, now: Date): boolean =>
  row.completed_at === null && row.ended_at === null && row.expires_at > now;

const stateOf = (row: PairingRow, now: Date) => {
  if (row.completed_at !== null) return 'completed';
  if (row.ended_at !== null) return 'dead';
  if (row.expires_at <= now) return 'expired';
  return row.redeemed_at === null ? 'waiting' : 'redeemed';
};

/** Codes by which a device joins as one of a person, from the picture to its first tokens. */
export const createPairingsService = (context: IdentityContext) => {
  const { clock, database, hooks, limiter, options, transact } = context;
  const db = database.read;

  /** Codes are short, and a plain hash of one could be tried out by whoever holds the table. */
  const keyed = (purpose: string, text: string): string =>
    createHmac('sha256', context.challenge_keys[0]).update(`${purpose}\0${text}`).digest('base64url');
  const codeHash = (code: string): string => keyed('pairing code', code);
  /** Follows from the code, so that the server gives it again without keeping it. */
  const tokenOf = (id: string, code: string): string =>
    tokenPrefixes.pairing + keyed('pairing token', `${id}\0${code}`);

  const view = async (row: PairingRow) => {
    const device = row.device_id === null ? null : await devicesStore.find(db, row.org_id, row.device_id);
    return {
      id: row.id,
      name: row.name,
      state: stateOf(row, clock.now()),
      scopes: row.scopes,
      expires_at: row.expires_at.toISOString(),
      created_at: row.created_at.toISOString(),
      device: device === null ? null : deviceView(device),
    } as const;
  };

  const own = async ({ caller }: Call, id: string): Promise<PairingRow> => {
    const row = await pairingsStore.find(db, caller.org_id, caller.id, id);
    if (row === null) throw notFound('The pairing');
    return row;
  };

  const tell = (
    tx: Transaction,
    row: Pick<PairingRow, 'id' | 'org_id' | 'user_id'>,
    state: string,
    more: Record<string, unknown> = {},
  ): void =>
    tx.emit({
      kind: identityEvents.pairingUpdated,
      id: row.id,
      org_id: row.org_id,
      body: { user_id: row.user_id, state, ...more },
    });

  /** What it asks for, or what a companion gets as far as the credential of its person reaches. */
  const scopesFor = (caller: Caller, asked: readonly string[] | undefined): string[] => {
    if (asked === undefined) return companionScopes.filter((scope) => deviceScopeCovers(caller.scopes, scope));
    const scopes = readDeviceScopes(asked);
    const missing = scopes.filter((scope) => !deviceScopeCovers(caller.scopes, scope));
    if (missing.length === 0) return scopes;
    throw new AppError('escalation_denied', `Your own credential lacks ${missing.join(', ')}.`, {
      extensions: { error: 'escalation denied', missing },
    });
  };

  const counted = async <T>(call: Call, act: () => Promise<T>): Promise<T> => {
    const address = addressKey(call.ip);
    await requireGuess(limiter, 'pairing', address, guessRate);
    const done = await act();
    await giveGuessBack(limiter, 'pairing', address, guessRate);
    return done;
  };

  const join = async (
    tx: Transaction,
    { device }: ParsedInputOf<typeof pairingsComplete>,
    way: Pick<PairingRow, 'org_id' | 'user_id' | 'name'> & { scopes: readonly string[] },
    { jwk, jkt }: DeviceKey,
    burn: (deviceId: string) => Promise<Record<string, unknown>>,
  ) => {
    const { org_id, user_id } = way;
    const [id, at, name, scopes] = [newId(), clock.now(), way.name ?? device.name, [...way.scopes]];
    await devicesStore.lockKey(tx.db, jkt);
    await endDevices(tx, context, { jkt }, 'paired_again');
    await devicesStore.insert(tx.db, {
      ...{ id, org_id, user_id, name, scopes, jkt, at, public_key: jwk, platform: device.platform },
      platform_version: device.platform_version ?? null,
      model: device.model ?? null,
      push_token: device.push_token ?? null,
    });
    const by = await burn(id);
    const [issue] = hooks.deviceJoining;
    if (issue === undefined) throw new Error('nothing issues tokens to devices');
    const tokens = await issue(tx, { id, org_id, user_id, name, scopes, jkt });
    tx.emit({ kind: identityEvents.devicePaired, id, body: { user_id, name, platform: device.platform } });
    const details = { name, platform: device.platform, scopes, key: jkt, ...by };
    tx.audit({ action: 'devices.pair', target_type: 'device', target_id: id, details });
    return { ...tokens, token_type: 'DPoP' as const, scopes, device_id: id };
  };

  /** By a token of the settings, which joins as many devices as it says. */
  const enrol = async (
    call: Call,
    input: ParsedInputOf<typeof pairingsComplete>,
    token: EnrolmentToken,
    key: DeviceKey,
  ) => {
    const user_id = await subjectsStore.byVerifiedEmail(db, token.owner);
    const [org] = user_id === null ? [] : await subjectsStore.orgs(db, user_id);
    const owner = org && user_id && (await credentialsStore.member(db, org.id, user_id));
    if (!owner || token.expiresAt <= clock.now() || !hasPermission(owner.permissions, 'devices.pair')) throw dead();
    const way = { org_id: owner.org_id, user_id: owner.id, name: null, scopes: readDeviceScopes(token.scopes) };
    return transact(callAs(call, personOf(owner)), 'pairing.complete', (tx) =>
      join(tx, input, way, key, async () => {
        const use = { hash: token.sha256, name: token.name, most: token.maxUses, at: clock.now() };
        if (!(await pairingsStore.useEnrolment(tx.db, use))) throw dead();
        return { enrolment: token.name };
      }),
    );
  };

  return {
    create: (call: Call, input: { name?: string | undefined; scopes?: string[] | undefined; expires_in: number }) =>
      transact(call, 'devices.create_pairing', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const scopes = scopesFor(caller, input.scopes);
        const at = clock.now();
        await pairingsStore.lockPerson(tx.db, caller.id);
        if ((await pairingsStore.countOpen(tx.db, caller.id, at)) >= mostOpen)
          throw new AppError('pairing_limit', `You have ${mostOpen} open codes; use or cancel one of them first.`);
        const [id, code] = [newId(), newCode()];
        const pairing_token = tokenOf(id, code);
        const { org_id, id: user_id } = caller;
        await pairingsStore.insert(tx.db, {
          ...{ id, org_id, user_id, scopes, at, name: input.name ?? null },
          ...{ code_hash: codeHash(code), token_hash: hashToken(pairing_token) },
          expires_at: new Date(at.getTime() + input.expires_in * 1000),
        });
        tell(tx, { id, org_id, user_id }, 'waiting');
        tx.audit({ action: 'devices.create_pairing', target_type: 'pairing', target_id: id, details: { scopes } });
        const [base_url, server_id] = [options.public_url(), await devicesStore.serverId(tx.db)];
        const spki_pins = [...options.devices.pins()];
        const v = await pairingCheck({ code, base_url, server_id, pairing_token, spki_pins });
        const qr = { u: base_url, c: code, v };
        const row = (await pairingsStore.find(tx.db, org_id, user_id, id))!;
        return { ...(await view(row)), code, url: pairingLink(qr), qr };
      }),

    get: async (call: Call, input: { id: string }) => view(await own(call, input.id)),

    cancel: async (call: Call, input: { id: string }): Promise<null> => {
      const row = await own(call, input.id);
      return transact(call, 'devices.cancel_pairing', async (tx) => {
        if (!(await pairingsStore.end(tx.db, row.org_id, row.user_id, row.id, clock.now()))) return null;
        tell(tx, row, 'dead');
        tx.audit({ action: 'devices.cancel_pairing', target_type: 'pairing', target_id: row.id });
        return null;
      });
    },

    redeem: (call: Call, input: { code: string }) =>
      counted(call, async () => {
        const code = normalisePairingCode(input.code);
        const row = await pairingsStore.byCode(db, codeHash(code));
        const pairing_token = tokenOf(row?.id ?? nobody, code);
        // A key that was replaced meanwhile makes another token than the one that is stored.
        const good = hashToken(pairing_token) === (row?.token_hash ?? '');
        if (row === null || !good || !isOpen(row, clock.now())) throw dead();
        const owner = await credentialsStore.member(db, row.org_id, row.user_id);
        if (owner === null) throw dead();
        if (row.redeemed_at === null)
          await transact(callAs(call, personOf(owner)), 'pairing.redeem', async (tx) => {
            if (await pairingsStore.markRedeemed(tx.db, row.id, clock.now())) tell(tx, row, 'redeemed');
          });
        const base_url = options.public_url();
        return {
          base_url,
          name: `Atrium at ${new URL(base_url).host}`,
          server_id: await devicesStore.serverId(db),
          spki_pins: [...options.devices.pins()],
          pairing_token,
          capabilities,
          expires_at: row.expires_at.toISOString(),
        };
      }),

    complete: (call: Call, input: ParsedInputOf<typeof pairingsComplete>) =>
      counted(call, async () => {
        const token = call.presented ?? '';
        const key = await readDeviceKey(input.device.public_key);
        if (key === null)
          throw invalid('device.public_key', 'must be a public key as JWK: EC P-256 or OKP Ed25519, nothing private');
        const proven = await verifyProof(input.proof, {
          ...{ method: 'POST', url: `${options.public_url()}/auth/pair/complete` },
          ...{ access_token: token, jkt: key.jkt, now: clock.now() },
        });
        const hash = hashToken(token);
        if (proven === null) {
          await pairingsStore.countWrong(db, hash, clock.now());
          throw dead();
        }
        const enrolment = options.devices.enrolment_tokens.find(({ sha256 }) => sha256 === hash);
        if (enrolment !== undefined) return enrol(call, input, enrolment, key);
        const found = await pairingsStore.byToken(db, hash);
        const owner = found && (await credentialsStore.member(db, found.org_id, found.user_id));
        if (owner === null || !hasPermission(owner.permissions, 'devices.pair')) throw dead();
        return transact(callAs(call, personOf(owner)), 'pairing.complete', async (tx) => {
          const pairing = await pairingsStore.lockByToken(tx.db, hash);
          if (pairing === null || !isOpen(pairing, clock.now())) throw dead();
          return join(tx, input, pairing, key, async (deviceId) => {
            const now = clock.now();
            await pairingsStore.markCompleted(tx.db, pairing.id, deviceId, now);
            tell(tx, pairing, 'completed', { seconds: (now.getTime() - pairing.created_at.getTime()) / 1000 });
            return { pairing: pairing.id };
          });
        });
      }),
  };
};

/** The person whose device it becomes, as the actor of its joining. */
const personOf = (row: Awaited<ReturnType<typeof credentialsStore.member>> & object): Caller => {
  const { credential_id: _, expires_at: __, ...principal } = row;
  return { ...principal, credential: { kind: 'internal', id: null, expires_at: null } };
};

export type PairingsService = ReturnType<typeof createPairingsService>;
