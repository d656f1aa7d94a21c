import {
  type channelsCreatePublishToken,
  type FieldError,
  inboxCreateItem,
  type inboxPublish,
  type OutputOf,
} from '@atrium/protocol';
import { storableText } from '../../platform/db/storable.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { announceChannel, auditChannel, lockChannelFor } from './channels-service.ts';
import { type NewItem, refuse } from './creation-checks.ts';
import type { CreationService } from './creation-service.ts';
import type { InboxParts } from './inbox-parts.ts';
import { clearPublishToken, findPublishChannel, type PublishChannel, setPublishToken } from './publish-store.ts';
import type { SurroundingParts } from './surrounding-parts.ts';

export interface PublishService {
  createToken(call: Call, channel_id: string): Promise<OutputOf<typeof channelsCreatePublishToken>>;
  revokeToken(call: Call, channel_id: string): Promise<void>;
  publish(call: Call, topic_token: string): Promise<OutputOf<typeof inboxPublish>>;
}

/** Publications of one token in a minute. */
const perMinute = 60;
const largest = 65_536;

/** Who publishes: a service that exists only as the author of a channel's items and sees nothing but that channel. */
const publisherOf = (channel: PublishChannel): Caller => ({
  kind: 'service',
  id: channel.publish_principal,
  name: `#${channel.name}`,
  org_id: channel.org_id,
  org_name: '',
  system_role: null,
  role_id: null,
  permissions: ['items.read', 'items.write'],
  scopes: ['inbox:read', 'inbox:write'],
  item_scope: { kind: 'channels', channel_ids: [channel.id] },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'internal', id: null, expires_at: null },
});

export const createPublishService = (
  { database, limiter, public_url }: InboxParts & SurroundingParts,
  creation: CreationService,
): PublishService => ({
  createToken: (call, id) =>
    database.transaction(call, async (tx) => {
      const channel = await lockChannelFor(tx, call.caller, id);
      const topic_token = newToken('apt_');
      await setPublishToken(tx.db, id, hashToken(topic_token), newId());
      announceChannel(tx, channel);
      auditChannel(tx, 'channels.create_publish_token', channel);
      return { topic_token, url: `${public_url()}/api/v1/inbox/publish/${topic_token}` };
    }),

  revokeToken: (call, id) =>
    database.transaction(call, async (tx) => {
      const channel = await lockChannelFor(tx, call.caller, id);
      if (!(await clearPublishToken(tx.db, id))) throw notFound('The publish address');
      announceChannel(tx, channel);
      auditChannel(tx, 'channels.revoke_publish_token', channel);
    }),

  publish: async (call, topic_token) => {
    const hash = hashToken(topic_token);
    const channel = await findPublishChannel(database.read, hash);
    if (channel === null) throw notFound('The publish address');
    const answer = await limiter.hit({ bucket: 'inbox.publish', key: hash, limit: perMinute, window_ms: 60_000 });
    if (!answer.allowed) {
      const retry_after = Math.ceil(answer.retry_after_ms / 1000);
      throw new AppError('rate_limited', `Too many publications; try again in ${retry_after} seconds.`, {
        extensions: { retry_after },
      });
    }
    const publisher = publisherOf(channel);
    const { item } = await creation.create(callAs(call, publisher), await readPublication(call, channel));
    return { id: item.id, status: 'created' };
  },
});

const readBody = async (raw: NonNullable<Call['raw']>): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw.stream) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
    size += bytes.length;
    if (size > largest) throw new AppError('too_large', `The body exceeds ${largest} bytes.`);
    chunks.push(bytes);
  }
  try {
    return storableText(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new AppError('validation_failed', 'The body is no UTF-8 text.', {
      errors: [{ path: 'body', message: 'must be UTF-8 text' }],
      cause,
    });
  }
};

/** Node reads header bytes as Latin-1; curl sends UTF-8. What is no UTF-8 is taken as it came. */
const headerText = (value: string | undefined): string | undefined => {
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value, 'latin1');
  const text = bytes.toString('utf8');
  return storableText(text.includes('\ufffd') ? value : text).trim();
};

const priorityOf = (text: string | undefined): number => {
  if (text === undefined || text === '') return 0;
  if (!/^[0-4]$/.test(text)) throw invalid('priority', 'is a whole number from 0 to 4');
  return Number(text);
};

const readPublication = async (call: Call, channel: PublishChannel): Promise<NewItem> => {
  if (call.raw === null) throw invalid('', 'a body is expected');
  const { headers } = call.raw;
  const body = (await readBody(call.raw)).trim();
  const firstLine = body.split('\n', 1)[0]!.trim().slice(0, 200).toWellFormed().trim();
  const title = headerText(headers['title']);
  if (body === '' && (title === undefined || title === '')) throw invalid('body', 'give a body or the header Title');
  const tags = (headerText(headers['tags']) ?? '').split(',').map((tag) => tag.trim());
  const key = headers['idempotency-key'];
  const parsed = inboxCreateItem.input.safeParse({
    title: title === undefined || title === '' ? firstLine : title,
    // A single line is a title already.
    message: (title === undefined || title === '') && body === firstLine ? '' : body,
    priority: priorityOf(headerText(headers['priority'])),
    tags: tags.filter((tag) => tag !== ''),
    channel: channel.id,
    ...(key === undefined ? {} : { idempotency_key: key }),
  });
  if (parsed.success) return parsed.data;
  const errors: FieldError[] = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return refuse(errors);
};
