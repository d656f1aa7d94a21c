import type { Actor, ShareRole } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { ShareRow } from './diaries-rows.ts';
import { actorFrom } from './diaries-views.ts';

/** An open invitation of a person. */
export interface DiaryInvitation {
  id: string;
  org_id: string;
  person_id: string;
  diary_name: string;
  by: Actor;
  role: ShareRole;
  expires_at: Date;
}

/** Who shows invitations to people. Both run in the transaction of the act. */
export interface InvitationAsker {
  invited(tx: Transaction, call: Call, invitation: DiaryInvitation): Promise<void>;
  /** Before the diary is held: what stands for the invitation elsewhere is held first, and ends. */
  settling(
    tx: Transaction,
    call: Call,
    invitation: { id: string; org_id: string; why: 'accepted' | 'declined' | 'revoked' | 'changed' | 'gone' },
  ): Promise<void>;
}

/** Tells whoever shows invitations to people, once there is somebody. Agents ask for theirs. */
export class InvitationBoard {
  #asker: InvitationAsker | null = null;

  /** Registered once, while the app is built. */
  readonly showBy = (asker: InvitationAsker): void => {
    this.#asker = asker;
  };

  async offered(tx: Transaction, call: Call, share: ShareRow): Promise<void> {
    if (share.subject_kind !== 'user' || share.status !== 'pending') return;
    await this.#asker?.invited(tx, call, {
      id: share.id,
      org_id: share.org_id,
      person_id: share.shared_with,
      diary_name: share.diary_name,
      by: actorFrom(share.invited_by_kind, share.invited_by_id, share.invited_by_name),
      role: share.role,
      expires_at: share.invitation_expires_at,
    });
  }

  async settling(
    tx: Transaction,
    call: Call,
    share: Pick<ShareRow, 'id' | 'org_id'>,
    why: Parameters<InvitationAsker['settling']>[2]['why'],
  ): Promise<void> {
    await this.#asker?.settling(tx, call, { id: share.id, org_id: share.org_id, why });
  }
}
