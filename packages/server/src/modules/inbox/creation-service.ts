import type { FieldError, Form } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import type { AnswersService } from './answers-service.ts';
import { checkDefaults, checkNewItem, kindOf, type NewItem, onTimeoutOf, refuse } from './creation-checks.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf, channelVisibleTo, visibleTo } from './inbox-policy.ts';
import { findChannelNames, findNamedChannels, insertOpenChannel } from './item-channels-store.ts';
import { addBackLinks, findTemplateForm, findVisibleIds } from './item-links-store.ts';
import { findTeamsWithAudience } from './item-people-store.ts';
import type { ItemRow, Json } from './items-rows.ts';
import {
  addWatchers,
  findAudience,
  findByIdempotencyKey,
  insertItem,
  insertRepeat,
  lockIdempotencyKey,
} from './items-store.ts';
import { nearMatches } from './near-matches.ts';
import { requestHash } from './request-hash.ts';
import type { RulesService } from './rules-service.ts';
import { enqueueTimers, timerColumns } from './timers.ts';

interface Created {
  item: ItemRow;
  /** False when an earlier call with the same key made it, or when it was folded into an open item. */
  fresh: boolean;
}

/** What an answer decides outside the inbox. */
export type Decides = Pick<ItemRow, 'oauth_approval_id' | 'decides_kind' | 'decides_id'>;

export interface CreationService {
  create(call: Call, input: NewItem): Promise<Created>;
  /** The same inside a transaction of another act. */
  createIn(tx: Transaction, call: Call, input: NewItem, decides?: Decides): Promise<Created>;
  /** The channel a word means to the caller, made on the way when the organisation wants that. */
  channelFor(tx: Transaction, call: Call, word: string): Promise<{ id: string; name: string }>;
}

const channelNameForm = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

export const createCreationService = (
  parts: InboxParts,
  answers: AnswersService,
  rules: RulesService,
): CreationService => {
  const { clock } = parts;

  const channelFor = async (tx: Transaction, call: Call, word: string) => {
    const visible = channelVisibleTo(call.caller);
    const find = async () => {
      const found = await findNamedChannels(tx.db, visible, [word]);
      return found.find((one) => one.id === word.toLowerCase()) ?? found[0];
    };
    const channel = await find();
    if (channel !== undefined) return channel;
    const { auto_create_channels } = await parts.settingsOf(call.caller.org_id);
    if (auto_create_channels && !isUuid(word) && channelNameForm.test(word)) {
      const id = newId();
      const { org_id } = call.caller;
      const made = await insertOpenChannel(tx.db, {
        id,
        org_id,
        name: word,
        at: clock.now(),
        by: actorOf(call.caller),
      });
      if (made !== null) {
        tx.emit({ kind: 'inbox.channel.updated', id, body: { name: word, mode: 'open' } });
        tx.audit({
          action: 'channels.create',
          target_type: 'channel',
          target_id: id,
          details: { name: word, automatic: true },
        });
        return made;
      }
      // Somebody made it at the same instant, or it exists and is hidden from this caller.
      const theirs = await find();
      if (theirs !== undefined) return theirs;
    }
    const suggestions = nearMatches(word, await findChannelNames(tx.db, visible, 500));
    const hint = suggestions.length === 0 ? '' : ` Did you mean ${suggestions.join(', ')}?`;
    throw new AppError('channel_not_found', `You see no channel "${word.slice(0, 64)}".${hint}`, {
      extensions: { suggestions },
    });
  };

  const formFor = async (tx: Transaction, call: Call, input: NewItem): Promise<Form | null> => {
    if (input.template === undefined) return input.form ?? null;
    const form = await findTemplateForm(tx.db, call.caller.org_id, input.template);
    if (form === null) throw notFound(`The template "${input.template}"`);
    return form;
  };

  /** Earlier call of this key: its item, if it was the same call. */
  const repeated = async (tx: Transaction, call: Call, key: string, hash: string): Promise<ItemRow | null> => {
    const { org_id, id } = call.caller;
    await lockIdempotencyKey(tx.db, org_id, id, key);
    const found = await findByIdempotencyKey(tx.db, org_id, id, key);
    if (found === null) return null;
    if (found.key_hash !== hash) throw new AppError('idempotency_key_reused');
    return found;
  };

  const createIn: CreationService['createIn'] = async (tx, call, input, decides) => {
    const now = clock.now();
    const { idempotency_key, ...content } = input;
    const hash = requestHash(content);
    if (idempotency_key !== undefined) {
      const first = await repeated(tx, call, idempotency_key, hash);
      if (first !== null) return { item: first, fresh: false };
    }
    // Only a new item is judged by the clock: repeating a call whose deadline is over must still find its item.
    checkNewItem(input, now);
    const form = await formFor(tx, call, input);
    if (form !== null && input.on_timeout === 'default') checkDefaults(form);
    const channel = input.channel === undefined ? null : await channelFor(tx, call, input.channel);
    await requireVisibleLinks(tx, call.caller, input);
    const wanted = { ...rowOf(call.caller, input, { now, form, hash, channel_id: channel?.id ?? null }), ...decides };
    const { row, inserted } = await insertItem(tx.db, wanted);
    if (!inserted) return { item: await fold(tx, call, row, idempotency_key, hash, now), fresh: false };
    await addBackLinks(tx.db, row.id, row.related_to);
    await requirePeople(tx, call.caller, row, input);
    await addWatchers(tx.db, row, watchersOf(call.caller, input), now);
    return { item: await open(tx, call, row), fresh: true };
  };

  /** Announces the item, or closes it at once by a rule or an exhausted quota. */
  const open = async (tx: Transaction, call: Call, row: ItemRow): Promise<ItemRow> => {
    emitItem(tx, 'created', row);
    auditItem(tx, 'inbox.create', row, { kind: row.kind, channel_id: row.channel_id });
    const rule = await rules.match(tx, call.caller, row);
    if (rule !== null) return answers.answerByRule(tx, row, rule);
    try {
      // What the server itself tells must not fail, nor what it belongs to, because a month's count is used up.
      if (call.caller.kind !== 'system') await parts.meterNotification(tx, call);
    } catch (error) {
      const exhausted = error instanceof AppError && error.code === 'plan_limit_exceeded';
      if (!exhausted || row.kind === 'notice') throw error;
      // An agent that asks for approval must never hang because a month's count is used up.
      return answers.timeOut(tx, row, 'quota');
    }
    enqueueTimers(tx, row);
    return row;
  };

  const fold = async (
    tx: Transaction,
    call: Call,
    row: ItemRow,
    idempotency_key: string | undefined,
    request_hash: string,
    at: Date,
  ): Promise<ItemRow> => {
    if (idempotency_key !== undefined) {
      const { org_id, id } = call.caller;
      await insertRepeat(tx.db, { org_id, created_by_id: id, idempotency_key, request_hash, item_id: row.id, at });
    }
    emitItem(tx, 'updated', row, { changed: ['occurrences'] });
    return row;
  };

  return {
    create: (call, input) => parts.database.transaction(call, (tx) => createIn(tx, call, input)),
    createIn,
    channelFor,
  };
};

const rowOf = (
  caller: Caller,
  input: NewItem,
  found: { now: Date; form: Form | null; hash: string; channel_id: string | null },
): ItemRow => {
  const { now } = found;
  const timing = {
    ttl_ms: input.ttl_ms ?? null,
    opened_at: now,
    on_timeout: onTimeoutOf(input),
    escalation: input.escalation,
    deadline_at: input.deadline_at === undefined ? null : new Date(input.deadline_at),
    reminders_s: input.reminders_s,
  };
  return {
    ...emptyRow,
    ...timing,
    ...timerColumns(timing),
    id: newId(),
    org_id: caller.org_id,
    kind: kindOf(input),
    title: input.title,
    message: input.message,
    level: input.level,
    priority: input.priority,
    form: found.form,
    approval: (input.approval ?? null) as Json | null,
    actions: input.actions as Json[],
    require: input.require ?? null,
    channel_id: found.channel_id,
    tags: [...new Set(input.tags)],
    metadata: input.metadata,
    created_by_type: caller.kind,
    created_by_id: caller.id,
    created_by_name: caller.name,
    created_by_owner_id: caller.owner_id,
    asked_with: caller.credential.kind === 'internal' ? null : caller.credential.kind,
    assignee_id: input.assignee ?? null,
    parent_id: input.parent_id ?? null,
    related_to: [...new Set(input.related_to)],
    run_id: input.run_id ?? null,
    call_id: input.call_id ?? null,
    state: input.state ?? null,
    idempotency_key: input.idempotency_key ?? null,
    request_hash: found.hash,
    dedupe_key: input.dedupe_key ?? null,
    first_occurred_at: now,
    last_occurred_at: now,
    created_at: now,
    updated_at: now,
  };
};

/** What an item does not have yet. */
const emptyRow = {
  status: 'open',
  claimed_by_id: null,
  claimed_by_name: null,
  claimed_until: null,
  occurrences: 1,
  snoozed_until: null,
  pinned_at: null,
  archived_at: null,
  answered_at: null,
  answered_by_type: null,
  answered_by_id: null,
  answered_by_name: null,
  answer_source: null,
  response: null,
  reply: null,
  decision: null,
  corrected: false,
  sealed_values: null,
  sealed_taken_at: null,
  correctable_until: null,
  last_action: null,
  withdrawn_reason: null,
  generation: 1,
  snooze_generation: 0,
  deleted_at: null,
  oauth_approval_id: null,
  decides_kind: null,
  decides_id: null,
} as const;

const watchersOf = (caller: Caller, input: NewItem): { id: string; type: string }[] => [
  ...(caller.kind === 'system' ? [] : [{ id: caller.id, type: caller.kind }]),
  ...input.watchers.filter((id) => id !== caller.id).map((id) => ({ id, type: 'user' })),
];

const requireVisibleLinks = async (tx: Transaction, caller: Caller, input: NewItem): Promise<void> => {
  const wanted = [...input.related_to, ...(input.parent_id === undefined ? [] : [input.parent_id])];
  if (wanted.length === 0) return;
  const visible = new Set(await findVisibleIds(tx.db, visibleTo(caller), wanted));
  const errors: FieldError[] = input.related_to.flatMap((id, i) =>
    visible.has(id) ? [] : [{ path: `related_to.${i}`, message: 'is no item that you can see' }],
  );
  if (input.parent_id !== undefined && !visible.has(input.parent_id)) {
    errors.push({ path: 'parent_id', message: 'is no item that you can see' });
  }
  if (errors.length > 0) refuse(errors);
};

/** Being named gives nobody sight of an item, so whoever is named must have it. One text for unknown and hidden. */
const requirePeople = async (tx: Transaction, caller: Caller, row: ItemRow, input: NewItem): Promise<void> => {
  const people: [path: string, id: string][] = [
    ...(input.assignee === undefined ? [] : [['assignee', input.assignee] as [string, string]]),
    ...input.watchers.map((id, i): [string, string] => [`watchers.${i}`, id]),
    ...(input.require?.all_of ?? []).map((id, i): [string, string] => [`require.all_of.${i}`, id]),
    ...(input.require?.any_of ?? []).map((id, i): [string, string] => [`require.any_of.${i}`, id]),
    ...input.escalation.flatMap((step, i): [string, string][] =>
      step.to.kind === 'user' ? [[`escalation.${i}.to.id`, step.to.id]] : [],
    ),
  ];
  const errors: FieldError[] = [];
  const blind = 'is nobody who can see this item';
  if (people.length > 0) {
    const seeing = await findAudience(
      tx.db,
      row.id,
      people.map(([, id]) => id),
      audienceOf,
    );
    const users = new Set(seeing.filter((one) => one.type === 'user').map((one) => one.id));
    errors.push(...people.filter(([, id]) => !users.has(id)).map(([path]) => ({ path, message: blind })));
  }
  const stepsTo = (kind: 'team' | 'channel') =>
    input.escalation.flatMap((step, i) =>
      step.to.kind === kind ? [{ path: `escalation.${i}.to.id`, id: step.to.id }] : [],
    );
  const teams = stepsTo('team');
  if (teams.length > 0) {
    const known = await findTeamsWithAudience(
      tx.db,
      row.id,
      teams.map((team) => team.id),
      audienceOf,
    );
    errors.push(
      ...teams
        .filter((team) => !known.includes(team.id))
        .map(({ path }) => ({ path, message: 'is no team that can see this item' })),
    );
  }
  const channels = stepsTo('channel');
  if (channels.length > 0) {
    const known = await findNamedChannels(
      tx.db,
      channelVisibleTo(caller),
      channels.map((channel) => channel.id),
    );
    errors.push(
      ...channels
        .filter(({ id }) => !known.some((one) => one.id === id))
        .map(({ path }) => ({ path, message: 'is no channel that you can see' })),
    );
  }
  if (errors.length > 0) refuse(errors);
};

/** For doors that only ask: a question needs something to answer. */
export const requireQuestion = (input: NewItem): void => {
  if (kindOf(input) === 'notice') throw invalid('form', 'give a form, the name of a template, or an approval');
};
