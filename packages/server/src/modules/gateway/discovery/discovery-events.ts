import { hasPermission, hasScope } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { eventFilter } from '../../../platform/events/event-filter.ts';
import type { EventFilter, StoredEvent } from '../../../platform/module.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { ProposalRow } from './discovery-rows.ts';

/** Facts that discovery announces; the subject is the proposal, or the organisation of a rescan. */
export const discoveryEvents = {
  found: 'gateway.proposal.found',
  updated: 'gateway.proposal.updated',
  approved: 'gateway.proposal.approved',
  dismissed: 'gateway.proposal.dismissed',
  rescanned: 'gateway.discovery.rescanned',
  exposed: 'gateway.exposure.found',
} as const;

type ProposalEvent = 'found' | 'updated' | 'approved' | 'dismissed';

export const emitProposal = (
  tx: Transaction,
  event: ProposalEvent,
  row: Pick<ProposalRow, 'id' | 'org_id' | 'source' | 'name' | 'confidence' | 'suggested_app'>,
  more: Record<string, unknown> = {},
): void =>
  tx.emit({
    kind: discoveryEvents[event],
    id: row.id,
    org_id: row.org_id,
    body: {
      ...{ source: row.source, name: row.name, confidence: row.confidence, slug: row.suggested_app.slug },
      ...more,
    },
  });

const mayLearn = (event: StoredEvent, caller: Caller): boolean =>
  caller.org_id === event.org_id &&
  hasScope(caller.scopes, 'gateway:read') &&
  hasPermission(caller.permissions, 'discovery.decide');

/** For those who decide about proposals. */
export const discoveryEventFilters: readonly EventFilter[] = [
  'gateway.proposal.',
  'gateway.discovery.',
  'gateway.exposure.',
].map((prefix) => eventFilter(prefix, mayLearn));
