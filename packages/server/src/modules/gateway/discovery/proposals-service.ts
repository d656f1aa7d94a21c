import {
  type AppView,
  type discoveryRescan,
  type OutputOf,
  type ParsedInputOf,
  type Proposal,
  type proposalsApprove,
  type proposalsList,
  routesCreate,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import type { WantedApp } from './app-maker.ts';
import { discoveryEvents, emitProposal } from './discovery-events.ts';
import type { DiscoveryParts, TellAdmins } from './discovery-parts.ts';
import type { ProposalListRow, ProposalRow } from './discovery-rows.ts';
import { isPrivateAddress } from './private-address.ts';
import { proposalsStore } from './proposals-store.ts';
import { providersStore } from './providers-store.ts';
import { urlOf } from './sighting.ts';

const rescans = { limit: 10, window_ms: 60_000 };

const noProposal = (): AppError => notFound('The service');

const decided = (row: ProposalRow): AppError =>
  new AppError('discovery_already_decided', `It was ${row.state} by ${row.decided_by_name ?? 'somebody'}.`, {
    extensions: { state: row.state },
  });

const viewOf = (row: ProposalListRow): Proposal => ({
  ...{ id: row.id, source: row.source, fingerprint: row.fingerprint, state: row.state, name: row.name },
  detected: { scheme: row.detected_scheme, host: row.detected_host, port: row.detected_port },
  ...{ available_ports: row.available_ports, confidence: row.confidence, reasons: row.reasons },
  ...{ suggested_app: row.suggested_app, suggested_route: row.suggested_route },
  ...{ security_notes: row.security_notes, explicit: row.explicit, gone: row.gone_at !== null },
  first_seen_at: row.first_seen_at.toISOString(),
  last_seen_at: row.last_seen_at.toISOString(),
  decided_by:
    row.decided_by_type === null
      ? null
      : { type: row.decided_by_type, id: row.decided_by_id, name: row.decided_by_name ?? '' },
  decided_at: row.decided_at?.toISOString() ?? null,
  app_slug: row.app_slug,
});

type Approval = ParsedInputOf<typeof proposalsApprove>;
type Route = WantedApp['route'];

/** What was suggested, with what the person changed, as `routes.create` would take it. */
const routeWanted = (row: ProposalRow, slug: string, target: string, input: Approval): Route => {
  const { targets = [{ url: target }], slug: _slug, ...suggested } = row.suggested_route;
  const asked = {
    ...suggested,
    // The port that a person chose is one of the addresses, whatever the source itself wrote.
    targets: input.port === undefined ? targets : [{ url: target }],
    container_ref: row.container_ref,
    slug,
    ...input.route,
    app_id: row.id,
  };
  const parsed = routesCreate.input.safeParse(asked);
  if (!parsed.success) {
    throw new AppError('validation_failed', 'The route cannot be made as it is wanted.', {
      errors: parsed.error.issues.map(({ path, message }) => ({ path: ['route', ...path].join('.'), message })),
    });
  }
  const { app_id: _none, ...route } = parsed.data;
  return route as Route;
};

const appWanted = (row: ProposalRow, input: Approval['app']) => ({
  ...row.suggested_app,
  ...Object.fromEntries(Object.entries(input ?? {}).filter(([, value]) => value !== undefined)),
});

/** An address of this machine or network is opened by who runs it, or by what they wrote on it. */
const requireRight = (call: Call, row: ProposalRow, host: string): void => {
  if (call.caller.is_operator || row.vouched || !isPrivateAddress(host)) return;
  throw new AppError(
    'operator_required',
    'Nothing on this service says that it wants to be here, and its address is a private one: an operator has to approve it. If you are one, sign in again with your password.',
    { extensions: { error: 'operator required', required: 'operator' } },
  );
};

export interface ProposalsService {
  list(call: Call, input: ParsedInputOf<typeof proposalsList>): Promise<OutputOf<typeof proposalsList>>;
  get(call: Call, id: string): Promise<Proposal>;
  approve(call: Call, input: Approval): Promise<{ proposal: Proposal; app: AppView }>;
  dismiss(call: Call, id: string): Promise<Proposal>;
  restore(call: Call, id: string): Promise<Proposal>;
  rescan(call: Call, input: ParsedInputOf<typeof discoveryRescan>): Promise<{ providers: string[]; restored: number }>;
  /** Who hears of services that are open past the sign-in. */
  onExposed(tell: TellAdmins): void;
  /** In the open transaction; for what is found again as well as for what is approved. */
  exposed(tx: Transaction, call: Call, row: ProposalRow, app_slug: string): Promise<void>;
}

/** What people decide about services that were found. */
export const createProposalsService = (parts: DiscoveryParts): ProposalsService => {
  const { database, clock, limiter, maker } = parts;
  const listeners: TellAdmins[] = [];

  const shown = async (tx: Transaction, row: ProposalRow): Promise<Proposal> =>
    viewOf((await proposalsStore.find(tx.db, row.org_id, row.id))!);

  const holdPending = async (tx: Transaction, call: Call, id: string): Promise<ProposalRow> => {
    const row = await proposalsStore.lock(tx.db, call.caller.org_id, id);
    if (row === null) throw noProposal();
    if (row.state !== 'pending') throw decided(row);
    return row;
  };

  const exposed: ProposalsService['exposed'] = async (tx, call, row, app_slug) => {
    const notes = row.security_notes.filter(({ severity }) => severity !== 'info');
    if (notes.length === 0) return;
    const severity = notes.some((note) => note.severity === 'critical') ? 'critical' : 'warning';
    const body = { severity, app: app_slug, name: row.name, bindings: row.bindings, notes };
    tx.emit({ kind: discoveryEvents.exposed, id: row.id, org_id: row.org_id, body });
    if (severity !== 'critical') return;
    const title = `${row.suggested_app.name} is open past the sign-in`.slice(0, 200);
    const message = notes.map(({ note }) => note).join('\n');
    for (const tell of listeners) await tell(tx, call, { title, message });
  };

  return {
    exposed,
    onExposed: (tell) => void listeners.push(tell),

    list: async (call, { state, source, q, limit, cursor }) => {
      const after = textPosition(cursor);
      if (after !== null && !/^\d(\.\d+)?$/.test(after.value))
        throw new AppError('bad_request', 'The cursor is not one of this list.');
      const filter = { state, source: source ?? null, q: q === undefined || q === '' ? null : q };
      const page = { limit: limit + 1, after };
      const rows = await proposalsStore.page(database.read, call.caller.org_id, filter, page);
      return toPage(rows, limit, (row) => ({ value: String(row.confidence), id: row.id }), viewOf);
    },

    get: async (call, id) => {
      const row = await proposalsStore.find(database.read, call.caller.org_id, id);
      if (row === null) throw noProposal();
      return viewOf(row);
    },

    approve: (call, input) =>
      database.transaction(call, async (tx) => {
        const row = await holdPending(tx, call, input.id);
        const address =
          input.port === undefined ? row.addresses[0] : row.addresses.find(({ port }) => port === input.port);
        if (address === undefined)
          throw invalid('port', `must be one of the ports that were found: ${row.available_ports.join(', ')}`);
        const app = appWanted(row, input.app);
        const named = input.route?.['targets'] !== undefined;
        if (!named) requireRight(call, row, address.host);
        const slug = typeof input.route?.['slug'] === 'string' ? input.route['slug'] : app.slug;
        const route = routeWanted(row, slug, urlOf(address), input);
        const made = await maker.make(tx, call, { app, route, found: !named });
        await proposalsStore.decide(tx.db, row, {
          ...{ state: 'approved', by: actorOf(call.caller), at: clock.now() },
          ...{ app_id: made.app.id, route_id: made.route_id, chosen_port: named ? null : address.port },
        });
        emitProposal(tx, 'approved', row, { app: made.app.slug });
        tx.audit({
          ...{ action: 'discovery.approve', target_type: 'proposal', target_id: row.id },
          details: { source: row.source, name: row.name, app: made.app.slug, confidence: row.confidence },
        });
        await exposed(tx, call, row, made.app.slug);
        return { proposal: await shown(tx, row), app: made.app };
      }),

    dismiss: (call, id) =>
      database.transaction(call, async (tx) => {
        const row = await holdPending(tx, call, id);
        await proposalsStore.decide(tx.db, row, { state: 'dismissed', by: actorOf(call.caller), at: clock.now() });
        emitProposal(tx, 'dismissed', row);
        tx.audit({
          ...{ action: 'discovery.dismiss', target_type: 'proposal', target_id: row.id },
          details: { source: row.source, name: row.name },
        });
        return shown(tx, row);
      }),

    restore: (call, id) =>
      database.transaction(call, async (tx) => {
        const row = await proposalsStore.lock(tx.db, call.caller.org_id, id);
        if (row === null) throw noProposal();
        // One whose app was deleted may be wanted again; one that is pending is there already.
        if (row.state === 'approved' && row.app_id !== null) throw decided(row);
        if (row.state === 'pending') return shown(tx, row);
        await proposalsStore.reopen(tx.db, row.org_id, row.id);
        emitProposal(tx, 'found', row, { restored: true });
        tx.audit({
          action: 'discovery.restore',
          target_type: 'proposal',
          target_id: row.id,
          details: { name: row.name },
        });
        return shown(tx, row);
      }),

    rescan: async (call, { restore_dismissed }) => {
      const { org_id } = call.caller;
      const hit = await limiter.hit({ bucket: 'discovery.rescan', key: org_id, ...rescans });
      if (!hit.allowed) {
        const retry_after = Math.ceil(hit.retry_after_ms / 1000);
        throw new AppError('rate_limited', `Too many rescans; try again in ${retry_after} seconds.`, {
          extensions: { retry_after },
        });
      }
      const mine = (await parts.orgOf()) === org_id;
      const providers = mine ? await providersStore.list(database.read) : [];
      const restored = await database.transaction(call, async (tx) => {
        const rows = restore_dismissed ? await proposalsStore.dismissed(tx.db, org_id) : [];
        for (const row of rows) {
          await proposalsStore.reopen(tx.db, org_id, row.id);
          emitProposal(tx, 'found', row, { restored: true });
        }
        tx.emit({ kind: discoveryEvents.rescanned, id: org_id, body: { restored: rows.length } });
        tx.audit({
          action: 'discovery.rescan',
          target_type: 'org',
          target_id: org_id,
          details: { restored: rows.length },
        });
        return rows.length;
      });
      return { providers: providers.filter(({ state }) => state !== 'off').map(({ name }) => name), restored };
    },
  };
};
