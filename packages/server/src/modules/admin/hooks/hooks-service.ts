import { Readable } from 'node:stream';
import {
  type HookEndpoint,
  hookLimits,
  hooksActivity,
  type hooksCreate,
  type hooksList,
  hooksNotify,
  type hooksPending,
  type hooksUpdate,
  itemLevels,
  type ParsedInputOf,
} from '@atrium/protocol';
import { z } from 'zod';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import { storableText } from '../../../platform/db/storable.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../../platform/ids/ids.ts';
import { addressKey, type RateLimiter } from '../../../platform/limits/rate-limiter.ts';
import { signatureHeaders } from '../../../platform/net/signed-call.ts';
import { type Call, callAs } from '../../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { newToken } from '../../../platform/secrets/tokens.ts';
import type { IngestService } from '../ingest-service.ts';
import { provenMessage } from './hook-proof.ts';
import { type HookRow, hooksStore, type Receipt } from './hooks-store.ts';

export interface HookParts {
  database: Database;
  clock: Clock;
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  limiter: RateLimiter;
  ingest: Pick<IngestService, 'emit'>;
  public_url: () => string;
  /** Counts what came of a message. */
  received: (result: 'taken' | 'duplicate' | 'unproven' | 'refused', seconds: number) => void;
  /** Puts a notice into the inbox, in the same transaction; as the channel's own author when one is named. */
  notice: (
    tx: Transaction,
    call: Call,
    notice: {
      title: string;
      message: string;
      level: (typeof itemLevels)[number];
      channel: string | null;
      metadata: Record<string, unknown>;
    },
  ) => Promise<string>;
  /** Whether somebody sees a channel. */
  seesChannel: (caller: Caller, channelId: string) => Promise<boolean>;
  /** An active device of an organisation. */
  isDevice: (orgId: string, id: string) => Promise<boolean>;
}

export const hookPlace = (id: string): string => `admin.hook:${id}`;
const mostHooks = 100;
const dayMs = 86_400_000;

/** Any JSON object, for endpoints of events. */
const anyObject = z.record(z.string().max(200), z.unknown());

type Message =
  | { kind: 'activity'; input: ParsedInputOf<typeof hooksActivity> }
  | { kind: 'notify'; input: ParsedInputOf<typeof hooksNotify>; channel: string | null }
  | { kind: 'event'; event: string; body: Record<string, unknown> };

const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '23505';

/** Who sends through an endpoint: a service that exists as the author of what comes in, and sees nothing. */
const senderOf = (hook: HookRow): Caller => ({
  kind: 'service',
  id: hook.id,
  name: hook.name,
  org_id: hook.org_id,
  org_name: '',
  system_role: null,
  role_id: null,
  permissions: ['items.read', 'items.write'],
  scopes: ['inbox:read', 'inbox:write'],
  item_scope: hook.channel_id === null ? { kind: 'own' } : { kind: 'channels', channel_ids: [hook.channel_id] },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'internal', id: null, expires_at: null },
});

const text = (value: unknown, most: number): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, most).toWellFormed() : null;

/** Ways in for systems outside: by API key, and by endpoints with a secret of their own. */
export const createHooksService = (parts: HookParts) => {
  const { database, clock, secrets, limiter, ingest } = parts;

  const viewOf = (row: HookRow): HookEndpoint => ({
    ...{ id: row.id, name: row.name, kind: row.kind, event: row.event, proof: row.proof },
    url: `${parts.public_url()}/api/v1/hooks/in/${row.id}`,
    ...{ channel_id: row.channel_id, enabled: row.enabled, received: row.received, refused: row.refused },
    last_at: row.last_at?.toISOString() ?? null,
    last_error: row.last_error,
    created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
    created_at: row.created_at.toISOString(),
  });

  const limit = async (key: string): Promise<void> => {
    const answer = await limiter.hit({ bucket: 'hooks', key, limit: hookLimits.per_minute, window_ms: 60_000 });
    if (answer.allowed) return;
    const retry_after = Math.ceil(answer.retry_after_ms / 1000);
    throw new AppError('rate_limited', `Too many messages; try again in ${retry_after} seconds.`, {
      extensions: { retry_after },
    });
  };

  const requireDevices = async (orgId: string, ids: readonly string[] | undefined): Promise<readonly string[]> => {
    for (const [index, id] of (ids ?? []).entries())
      if (!(await parts.isDevice(orgId, id))) throw invalid(`device_ids.${index}`, 'is no device of this organisation');
    return ids ?? [];
  };

  const deliver = async (
    tx: Transaction,
    call: Call,
    message: Message,
    devices: readonly string[],
  ): Promise<Receipt> => {
    const id = newId();
    const receipt: Receipt = { id, kind: '', item_id: null, devices: devices.length, duplicate: false };
    const target = devices.length === 0 ? {} : { device_ids: devices };
    if (message.kind === 'event') {
      receipt.kind = ingest.emit(tx, { id, kind: message.event, at: null, data: message.body });
      return receipt;
    }
    if (message.kind === 'activity') {
      const { device_ids: _ids, ...data } = message.input;
      receipt.kind = ingest.emit(tx, { id, kind: 'activity', at: null, data, ...target });
      return receipt;
    }
    const { type, data } = message.input;
    receipt.kind = ingest.emit(tx, { id, kind: 'notify', at: null, data: { type, ...data }, ...target });
    if (devices.length > 0) {
      const created_at = clock.now();
      const expires_at = new Date(created_at.getTime() + hookLimits.wait_days * dayMs);
      const from_name = call.caller.name;
      const row = { id, org_id: call.caller.org_id, type, data, from_name, created_at, expires_at };
      await hooksStore.insertNotice(tx.db, row, devices);
      return receipt;
    }
    const { title, message: body, level, ...rest } = data;
    receipt.item_id = await parts.notice(tx, call, {
      title: text(title, 200) ?? type,
      message: text(body, 20_000) ?? '',
      level: itemLevels.find((one) => one === level) ?? 'info',
      channel: message.channel,
      metadata: { type, ...rest },
    });
    return receipt;
  };

  /** By API key or session; the host takes care of the Idempotency-Key. */
  const send = async (call: Call, message: Message & { kind: 'activity' | 'notify' }): Promise<Receipt> => {
    await limit(`principal:${call.caller.id}`);
    const devices = await requireDevices(call.caller.org_id, message.input.device_ids);
    return await database.transaction(call, async (tx) => {
      const receipt = await deliver(tx, call, message, devices);
      const details = { kind: receipt.kind, devices: devices.length };
      tx.audit({ action: `hooks.${message.kind}`, target_type: 'event', target_id: receipt.id, details });
      return receipt;
    });
  };

  const parse = (hook: HookRow, body: string): Message => {
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      throw invalid('body', 'must be JSON');
    }
    const form = { activity: hooksActivity.input, notify: hooksNotify.input, event: anyObject }[hook.kind];
    const parsed = form.safeParse(json);
    if (!parsed.success)
      throw new AppError('validation_failed', undefined, {
        errors: parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message })),
      });
    if (hook.kind === 'event')
      return { kind: 'event', event: hook.event!, body: parsed.data as Record<string, unknown> };
    if (hook.kind === 'activity')
      return { kind: 'activity', input: parsed.data as ParsedInputOf<typeof hooksActivity> };
    return { kind: 'notify', input: parsed.data as ParsedInputOf<typeof hooksNotify>, channel: hook.channel_id };
  };

  const readBody = async (raw: NonNullable<Call['raw']>): Promise<string> => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of raw.stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
      size += bytes.length;
      if (size > hookLimits.body_bytes)
        throw new AppError('too_large', `The body exceeds ${hookLimits.body_bytes} bytes.`);
      chunks.push(bytes);
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    } catch {
      throw invalid('body', 'must be UTF-8 text');
    }
  };

  const take = async (call: Call, hook: HookRow, messageId: string | null, body: string): Promise<Receipt> => {
    const message = parse(hook, storableText(body));
    const wanted = message.kind === 'event' ? undefined : message.input.device_ids;
    const devices = await requireDevices(hook.org_id, wanted);
    return await database.transaction(call, async (tx) => {
      const draft: Receipt = { id: newId(), kind: '', item_id: null, devices: 0, duplicate: false };
      if (messageId !== null && !(await hooksStore.takeMessage(tx.db, hook.id, messageId, draft, clock.now())))
        return { ...(await hooksStore.receiptOf(tx.db, hook.id, messageId)), duplicate: true };
      const receipt = await deliver(tx, call, message, devices);
      if (messageId !== null) await hooksStore.setReceipt(tx.db, hook.id, messageId, receipt);
      await hooksStore.noteReceived(tx.db, hook.id, clock.now());
      const details = { kind: receipt.kind, message_id: messageId, devices: devices.length };
      tx.audit({ action: 'hooks.receive', target_type: 'hook', target_id: hook.id, details });
      return receipt;
    });
  };

  const receive = async (call: Call, { hook_id }: { hook_id: string }): Promise<Receipt> => {
    if (call.raw === null) throw invalid('', 'a body is expected');
    const hook = isUuid(hook_id) ? await hooksStore.findAddressed(database.read, hook_id) : null;
    if (hook === null) throw new AppError('hook_unproven');
    // Guesses are counted by where they come from, so that a stranger cannot use up what the sender may send.
    await limit(`address:${hook.id}:${call.ip === null ? '' : addressKey(call.ip)}`);
    const body = await readBody(call.raw);
    const secret = secrets.decrypt(hook.secret_sealed, hookPlace(hook.id));
    const proven = provenMessage(
      { proof: hook.proof, secret },
      { headers: call.raw.headers, presented: call.presented ?? null },
      body,
      clock.now(),
    );
    if (proven === null) {
      await hooksStore.noteRefused(database.read, hook.id, clock.now(), 'Its signature, secret or time was not good.');
      throw new AppError('hook_unproven');
    }
    await limit(`hook:${hook.id}`);
    try {
      return await take(callAs(call, senderOf(hook)), hook, proven.id, body);
    } catch (error) {
      if (error instanceof AppError)
        await hooksStore.noteRefused(database.read, hook.id, clock.now(), error.message.slice(0, 500));
      throw error;
    }
  };

  const found = async (call: Call, id: string): Promise<HookRow> => {
    const row = await hooksStore.find(database.read, call.caller.org_id, id);
    if (row === null) throw notFound('The endpoint');
    return row;
  };

  const newSecret = (proof: HookRow['proof']): string =>
    proof === 'signature' ? `whsec_${Buffer.from(newToken(), 'base64url').toString('base64')}` : newToken('ahs_');

  const once = async <T>(act: Promise<T>): Promise<T> => {
    try {
      return await act;
    } catch (error) {
      if (isDuplicate(error)) throw new AppError('name_taken', 'Another endpoint has this name.', { cause: error });
      throw error;
    }
  };

  const change = (
    call: Call,
    id: string,
    action: string,
    next: (row: HookRow) => Partial<Pick<HookRow, 'name' | 'enabled' | 'secret_sealed'>>,
  ): Promise<HookRow> =>
    once(
      database.transaction(call, async (tx) => {
        const row = await hooksStore.find(tx.db, call.caller.org_id, id, true);
        if (row === null) throw notFound('The endpoint');
        const changed = { ...row, ...next(row) };
        await hooksStore.update(tx.db, changed);
        tx.emit({ kind: 'admin.hook.updated', id, body: { name: changed.name, enabled: changed.enabled } });
        const details = { name: changed.name, enabled: changed.enabled };
        tx.audit({ action, target_type: 'hook', target_id: id, details });
        return changed;
      }),
    );

  return {
    activity: (call: Call, input: ParsedInputOf<typeof hooksActivity>) => send(call, { kind: 'activity', input }),
    notify: (call: Call, input: ParsedInputOf<typeof hooksNotify>) =>
      send(call, { kind: 'notify', input, channel: null }),
    receive: async (call: Call, input: { hook_id: string }): Promise<Receipt> => {
      const began = performance.now();
      const count = (result: Parameters<HookParts['received']>[0]) =>
        parts.received(result, (performance.now() - began) / 1000);
      try {
        const receipt = await receive(call, input);
        count(receipt.duplicate ? 'duplicate' : 'taken');
        return receipt;
      } catch (error) {
        count(error instanceof AppError && error.code === 'hook_unproven' ? 'unproven' : 'refused');
        throw error;
      }
    },

    list: async (call: Call, { limit: size, cursor }: ParsedInputOf<typeof hooksList>) => {
      const rows = await hooksStore.page(database.read, call.caller.org_id, timePosition(cursor), size + 1);
      return toPage(rows, size, (row) => ({ value: row.created_at, id: row.id }), viewOf);
    },

    create: async (call: Call, input: ParsedInputOf<typeof hooksCreate>) => {
      if ((input.kind === 'event') !== (input.event !== undefined))
        throw invalid('event', 'is needed for endpoints of events, and for no others');
      if (input.channel_id !== undefined) {
        if (input.kind !== 'notify') throw invalid('channel_id', 'is for notices alone');
        if (!(await parts.seesChannel(call.caller, input.channel_id)))
          throw invalid('channel_id', 'is no channel that you see');
      }
      const by = actorOf(call.caller);
      const id = newId();
      const secret = newSecret(input.proof);
      const row: HookRow = {
        ...{ id, org_id: call.caller.org_id, name: input.name, kind: input.kind, event: input.event ?? null },
        ...{ proof: input.proof, secret_sealed: secrets.encrypt(secret, hookPlace(id)) },
        ...{ channel_id: input.channel_id ?? null, enabled: true, received: 0, refused: 0 },
        ...{ last_at: null, last_error: null, created_at: clock.now() },
        ...{ created_by_type: by.type, created_by_id: by.id, created_by_name: by.name },
      };
      const act = database.transaction(call, async (tx) => {
        if ((await hooksStore.count(tx.db, row.org_id)) >= mostHooks)
          throw new AppError('validation_failed', `An organisation has at most ${mostHooks} endpoints.`);
        await hooksStore.insert(tx.db, row);
        tx.emit({ kind: 'admin.hook.created', id, body: { name: row.name, kind: row.kind } });
        const details = { name: row.name, kind: row.kind, proof: row.proof };
        tx.audit({ action: 'hooks.create', target_type: 'hook', target_id: id, details });
        return { endpoint: viewOf(row), secret };
      });
      return await once(act);
    },

    update: async (call: Call, { id, name, enabled }: ParsedInputOf<typeof hooksUpdate>) =>
      viewOf(
        await change(call, id, 'hooks.update', (row) => ({ name: name ?? row.name, enabled: enabled ?? row.enabled })),
      ),

    rotate: async (call: Call, { id }: { id: string }) => {
      const { proof } = await found(call, id);
      const secret = newSecret(proof);
      const row = await change(call, id, 'hooks.rotate_secret', () => ({
        secret_sealed: secrets.encrypt(secret, hookPlace(id)),
      }));
      return { endpoint: viewOf(row), secret };
    },

    remove: async (call: Call, { id }: { id: string }): Promise<null> => {
      const row = await found(call, id);
      await database.transaction(call, async (tx) => {
        await hooksStore.remove(tx.db, row.org_id, id);
        tx.emit({ kind: 'admin.hook.deleted', id, body: { name: row.name } });
        tx.audit({ action: 'hooks.delete', target_type: 'hook', target_id: id, details: { name: row.name } });
      });
      return null;
    },

    test: async (call: Call, { id, body }: { id: string; body: string }) => {
      const hook = await found(call, id);
      const secret = secrets.decrypt(hook.secret_sealed, hookPlace(id));
      const signed = { id: `test_${newId()}`, at: clock.now(), body };
      const sent: Record<string, string> =
        hook.proof === 'signature'
          ? signatureHeaders(secret, signed)
          : { 'webhook-id': signed.id, 'x-atrium-hook-secret': secret };
      const headers = { 'content-type': 'application/json', ...sent };
      const raw = {
        ...{ stream: Readable.from([Buffer.from(body)]), content_type: 'application/json' },
        ...{ length: Buffer.byteLength(body), file_name: null, headers },
      };
      const shown = 'x-atrium-hook-secret' in headers ? { ...headers, 'x-atrium-hook-secret': '••••' } : headers;
      try {
        const receipt = await receive({ ...callAs(call, call.caller), raw }, { hook_id: id });
        return { status: 201, problem: null, receipt, headers: shown };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const wrong = (error.errors ?? []).map(({ path, message }) => `${path} ${message}`).join('; ');
        const problem = wrong === '' ? error.message : wrong;
        return { status: error.status, problem, receipt: null, headers: shown };
      }
    },

    pending: async (call: Call, { limit: size, cursor }: ParsedInputOf<typeof hooksPending>) => {
      const after = timePosition(cursor);
      const rows = await hooksStore.pending(database.read, call.caller.id, clock.now(), after, size + 1);
      return toPage(
        rows,
        size,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => ({
          ...{ id: row.id, type: row.type, data: row.data, from: row.from_name },
          created_at: row.created_at.toISOString(),
          expires_at: row.expires_at.toISOString(),
        }),
      );
    },

    acknowledge: async (call: Call, { id }: { id: string }): Promise<null> => {
      await database.transaction(call, async (tx) => {
        if (!(await hooksStore.acknowledge(tx.db, call.caller.id, id))) throw notFound('The notice');
        tx.audit({ action: 'hooks.acknowledge', target_type: 'event', target_id: id });
      });
      return null;
    },

    prune: () => hooksStore.prune(database.read, clock.now(), new Date(clock.now().getTime() - 7 * dayMs)),
  };
};

export type HooksService = ReturnType<typeof createHooksService>;
