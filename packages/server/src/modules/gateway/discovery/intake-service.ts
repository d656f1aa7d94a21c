import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../../platform/operations/caller.ts';
import type { Change } from './coalescer.ts';
import { emitProposal } from './discovery-events.ts';
import type { AutoApproval, DiscoveryParts } from './discovery-parts.ts';
import type { ProposalFacts, ProposalRow } from './discovery-rows.ts';
import { exposureOf } from './exposure.ts';
import type { ProposalsService } from './proposals-service.ts';
import { proposalsStore } from './proposals-store.ts';
import { type DiscoverySource, type Sighting, urlOf } from './sighting.ts';

const dayMs = 86_400_000;
/** How long a service that is gone stays in the list. */
const keptDays = 30;

export const factsOf = (sighting: Sighting): ProposalFacts => {
  const first = sighting.addresses[0]!;
  return {
    ...{ source: sighting.source, fingerprint: sighting.fingerprint, name: sighting.name },
    ...{ detected_scheme: first.scheme, detected_host: first.host, detected_port: first.dial_port },
    available_ports: sighting.addresses.map(({ port }) => port),
    addresses: sighting.addresses.map(({ port, scheme, host, dial_port }) => ({ port, scheme, host, dial_port })),
    ...{ confidence: sighting.confidence, reasons: [...sighting.reasons] },
    ...{ suggested_app: sighting.app, suggested_route: { ...sighting.route } },
    security_notes: exposureOf(sighting.bindings),
    ...{ explicit: sighting.explicit, vouched: sighting.vouched, bindings: [...sighting.bindings] },
    container_ref: sighting.container_ref,
  };
};

/** What a person sees of a proposal; an id that changed with a restart is not of it. */
const shownOf = (row: ProposalFacts): unknown => [
  ...[row.name, row.detected_scheme, row.detected_host, row.detected_port, row.available_ports, row.confidence],
  ...[row.reasons, row.suggested_app, row.suggested_route, row.security_notes, row.explicit],
];

export interface IntakeService {
  /** All of the changes, or none. Null when there is no organisation to tell. */
  write(changes: readonly Change[]): Promise<{ written: true } | null>;
  /** Seen again, unchanged. */
  touch(keys: readonly [DiscoverySource, string][]): Promise<void>;
  /** What nobody has seen for a day. */
  sweep(): Promise<void>;
}

/** Writes what providers saw, and does what follows from it without a person. */
export const createIntakeService = (
  parts: DiscoveryParts,
  proposals: Pick<ProposalsService, 'approve' | 'exposed'>,
  auto: () => AutoApproval,
): IntakeService => {
  const { database, clock, maker } = parts;
  const callFor = (org_id: string): Call => internalCall(systemCaller({ id: org_id }), newId());

  /** Somebody made a route for it by hand before it was found: nothing is left to decide, but it is followed. */
  const adopt = async (tx: Transaction, call: Call, row: ProposalRow): Promise<boolean> => {
    if (row.container_ref === null) return false;
    const made = await maker.routeOf(tx, row.org_id, row.container_ref);
    if (made === null) return false;
    const chosen = row.addresses.find((address) => made.targets.some((target) => target.startsWith(urlOf(address))));
    await proposalsStore.decide(tx.db, row, {
      ...{ state: 'approved', by: actorOf(call.caller), at: clock.now(), app_id: made.app_id },
      ...{ route_id: made.route_id, chosen_port: chosen?.port ?? null },
    });
    return true;
  };

  /** Follows what moved, and looks whether it is now open where it was not. */
  const reconcile = async (tx: Transaction, call: Call, before: ProposalRow, now: ProposalFacts): Promise<void> => {
    if (before.route_id === null || before.chosen_port === null) return;
    const of = (row: ProposalFacts) => row.addresses.find(({ port }) => port === before.chosen_port);
    const [from, to] = [of(before), of(now)];
    if (from === undefined || to === undefined) return;
    const move = { route_id: before.route_id, from: urlOf(from), to: urlOf(to), container_ref: now.container_ref };
    if (move.from !== move.to || before.container_ref !== now.container_ref) await maker.retarget(tx, call, move);
    const isCritical = ({ security_notes }: ProposalFacts) => security_notes.some((one) => one.severity === 'critical');
    if (isCritical(now) && !isCritical(before))
      await proposals.exposed(tx, call, { ...before, ...now }, now.suggested_app.slug);
  };

  const sight = async (tx: Transaction, call: Call, row: ProposalRow, facts: ProposalFacts): Promise<void> => {
    const at = clock.now();
    // A port that was chosen and does not answer just now keeps its address, so that its move is noticed.
    const kept = row.addresses.find(({ port }) => port === row.chosen_port);
    const lost = kept !== undefined && !facts.addresses.some(({ port }) => port === kept.port);
    const now = lost ? { ...facts, addresses: [...facts.addresses, kept] } : facts;
    await proposalsStore.update(tx.db, row.org_id, row.id, at, now);
    if (row.state === 'approved') await reconcile(tx, call, row, now);
    const changed = row.gone_at !== null || !isDeepStrictEqual(shownOf(row), shownOf(now));
    if (row.state === 'pending' && changed) emitProposal(tx, 'updated', { ...row, ...now }, { gone: false });
  };

  const approveAlone = async (rows: readonly ProposalRow[], trusted: ReadonlySet<string>): Promise<void> => {
    const { enabled, threshold } = auto();
    for (const row of rows) {
      const certain = enabled && row.explicit && row.vouched && row.confidence >= threshold;
      if (row.state !== 'pending' || (!certain && !trusted.has(row.id))) continue;
      if (row.suggested_route['access'] === 'public') continue;
      try {
        await proposals.approve(callFor(row.org_id), { id: row.id });
      } catch (error) {
        // Its name is taken, or somebody decided meanwhile: it waits for a person like any other.
        if (!(error instanceof AppError)) throw error;
        parts.onError(error, `${row.name} could not be approved by itself`);
      }
    }
  };

  return {
    write: async (changes) => {
      const org_id = await parts.orgOf();
      if (org_id === null) return null;
      const call = callFor(org_id);
      const trusted = new Set<string>();
      const fresh = await database.transaction(call, async (tx) => {
        trusted.clear();
        const keys = changes.map(({ source, fingerprint }) => [source, fingerprint] as const);
        const known = new Map(
          (await proposalsStore.lockMany(tx.db, org_id, keys)).map((row) => [`${row.source} ${row.fingerprint}`, row]),
        );
        const wanted: (ProposalFacts & { id: string })[] = [];
        const again: ProposalRow[] = [];
        for (const change of changes) {
          const row = known.get(change.key);
          if (change.kind === 'sight') {
            const facts = factsOf(change.sighting);
            const id = row?.id ?? newId();
            if (change.sighting.trusted === true) trusted.add(id);
            if (row === undefined) wanted.push({ ...facts, id });
            else {
              await sight(tx, call, row, facts);
              again.push({ ...row, ...facts });
            }
          } else if (row !== undefined && row.gone_at === null) {
            await proposalsStore.markGone(tx.db, org_id, row.id, clock.now());
            if (row.state === 'pending') emitProposal(tx, 'updated', row, { gone: true });
          }
        }
        const inserted = await proposalsStore.insertMany(tx.db, org_id, clock.now(), wanted);
        const made = new Set(inserted);
        const rows = await proposalsStore.lockMany(
          tx.db,
          org_id,
          wanted.filter(({ id }) => made.has(id)).map(({ source, fingerprint }) => [source, fingerprint] as const),
        );
        const left: ProposalRow[] = [];
        for (const row of rows) {
          if (await adopt(tx, call, row)) continue;
          emitProposal(tx, 'found', row);
          left.push(row);
        }
        return [...left, ...again];
      });
      await approveAlone(fresh, trusted);
      return { written: true };
    },

    touch: async (keys) => {
      const org_id = await parts.orgOf();
      if (org_id === null || keys.length === 0) return;
      await proposalsStore.touch(database.read, org_id, keys, clock.now());
    },

    sweep: async () => {
      const at = clock.now();
      const call = callFor('00000000-0000-0000-0000-000000000000');
      await database.transaction(call, async (tx) => {
        const rows = await proposalsStore.markUnseen(tx.db, new Date(at.getTime() - dayMs), at);
        for (const row of rows) if (row.state === 'pending') emitProposal(tx, 'updated', row, { gone: true });
        await proposalsStore.deleteGone(tx.db, new Date(at.getTime() - keptDays * dayMs));
      });
    },
  };
};
