import type { Transaction } from '../../platform/db/database.ts';
import { releaseBlob } from '../../platform/files/blob-references.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import type { CreationService } from './creation-service.ts';
import type { InboxParts } from './inbox-parts.ts';
import { channelVisibleTo } from './inbox-policy.ts';
import { findNamedChannels } from './item-channels-store.ts';
import {
  closeTeamChannels,
  findChannelByPurpose,
  findOrgBlobs,
  insertSystemChannel,
  setAdminsAsMembers,
  sumAttachmentBytes,
} from './org-hooks-store.ts';
import { peopleStore } from './people-store.ts';

/** What this module does when identity makes or removes an organisation or a team, in identity's transaction. */
export interface OrgHooksService {
  orgCreated(tx: Transaction, org: { id: string }): Promise<void>;
  teamDeleting(
    tx: Transaction,
    call: Call,
    team: { id: string; org_id: string; name: string; member_ids: readonly string[] },
  ): Promise<void>;
  orgDeleting(tx: Transaction, org: { id: string }): Promise<void>;
  visibleChannels(caller: Caller, channelIds: readonly string[]): Promise<readonly string[]>;
  storageBytes(orgId: string): Promise<number>;
  /** A person is being forgotten: their name goes from every copy. */
  personErasing(tx: Transaction, person: { id: string; name: string }): Promise<void>;
  /** What this module holds about a person, for their export. */
  personExporting(userId: string): Promise<Record<string, unknown>>;
  /** A notice for Owners and Admins alone, in a private channel that the server keeps for them. */
  tellAdmins(tx: Transaction, call: Call, notice: { title: string; message: string }): Promise<void>;
}

const purpose = 'org_notices';

export const createOrgHooksService = ({ clock, database }: InboxParts, creation: CreationService): OrgHooksService => {
  const adminChannel = async (tx: Transaction, org_id: string): Promise<string> => {
    const found = await findChannelByPurpose(tx.db, org_id, purpose);
    if (found !== null) return found;
    const id = newId();
    const at = clock.now();
    const channel = {
      id,
      org_id,
      description: 'What the server tells Owners and Admins',
      mode: 'private',
      purpose,
      at,
    } as const;
    // Somebody may have given a channel of their own that name.
    const made =
      (await insertSystemChannel(tx.db, { ...channel, name: 'org-notices' })) ||
      (await insertSystemChannel(tx.db, { ...channel, name: `org-notices-${id.slice(-6)}` }));
    return made ? id : (await findChannelByPurpose(tx.db, org_id, purpose))!;
  };

  const tellAdmins: OrgHooksService['tellAdmins'] = async (tx, call, notice) => {
    const { org_id } = call.caller;
    const channel = await adminChannel(tx, org_id);
    await setAdminsAsMembers(tx.db, org_id, channel, clock.now());
    await creation.createIn(tx, callAs(call, systemCaller({ id: org_id })), {
      ...{ message: notice.message, title: notice.title, channel, level: 'warning', priority: 0 },
      ...{ tags: [], metadata: {}, actions: [], related_to: [], watchers: [], escalation: [], reminders_s: [] },
    });
  };

  return {
    tellAdmins,

    orgCreated: async (tx, org) => {
      const channel = {
        id: newId(),
        org_id: org.id,
        name: 'general',
        description: '',
        mode: 'open',
        purpose: null,
      } as const;
      await insertSystemChannel(tx.db, { ...channel, at: clock.now() });
    },

    teamDeleting: async (tx, call, team) => {
      const channels = await closeTeamChannels(tx.db, team, clock.now());
      for (const { id, name } of channels) {
        tx.emit({
          kind: 'inbox.channel.updated',
          id,
          org_id: team.org_id,
          body: { name, mode: 'private', team_id: null },
        });
        const details = { team_id: team.id, mode: 'private' };
        tx.audit({ action: 'channels.close', target_type: 'channel', target_id: id, org_id: team.org_id, details });
      }
      if (channels.length === 0) return;
      const names = channels.map((channel) => `#${channel.name}`).join(', ');
      const message = `The team ${team.name} was deleted. Its channels are private now, with the people who were in the team: ${names}.`;
      await tellAdmins(tx, call, {
        title: `Channels of the deleted team ${team.name} are private`.slice(0, 200),
        message,
      });
    },

    orgDeleting: async (tx, org) => {
      for (const sha256 of await findOrgBlobs(tx.db, org.id)) await releaseBlob(tx, sha256, clock.now());
    },

    visibleChannels: async (caller, channelIds) =>
      (await findNamedChannels(database.read, channelVisibleTo(caller), channelIds)).map((channel) => channel.id),

    personErasing: (tx, { id, name }) => peopleStore.erase(tx.db, id, name),

    personExporting: async (userId) => ({ inbox: await peopleStore.export(database.read, userId) }),

    storageBytes: (orgId) => sumAttachmentBytes(database.read, orgId),
  };
};
