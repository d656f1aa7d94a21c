import { hasPermission, hasScope } from '@atrium/protocol';
import type { Database } from '../../platform/db/database.ts';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { EventFilter, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { mayOpen, personBehind } from './access-policy.ts';
import { guardOf } from './apps-service.ts';
import { appsStore } from './apps-store.ts';

const mayView = (caller: Caller): boolean => hasPermission(caller.permissions, 'gateway.view');
const mayHear = (event: StoredEvent, caller: Caller): boolean =>
  caller.org_id === event.org_id && hasScope(caller.scopes, 'gateway:read');

const appOf = (event: StoredEvent): string =>
  event.kind.startsWith('gateway.app.') ? event.id : String(event.body['app_id'] ?? '');

const noTeams: ReadonlySet<string> = new Set();

/** Events of apps and their health: for whoever may open the app, and for whoever looks after the gateway. */
const appFilter = ({ read }: Database, prefix: string): EventFilter => {
  const judge = async (
    pairs: readonly { event: StoredEvent; caller: Caller }[],
  ): Promise<(Record<string, unknown> | null)[]> => {
    const asked = pairs.filter(({ event, caller }) => mayHear(event, caller) && !mayView(caller));
    const routes = await appsStore.routesOf(read, [
      ...new Set(asked.map(({ event }) => appOf(event)).filter((id) => id !== '')),
    ]);
    const byApp = Map.groupBy(routes, (route) => route.app_id);
    const [first] = asked;
    const people = [...new Set(asked.map(({ caller }) => personBehind(caller)))];
    const teams = first === undefined ? new Map() : await appsStore.teamsOf(read, first.event.org_id, people);
    return pairs.map(({ event, caller }) => {
      if (!mayHear(event, caller)) return null;
      if (mayView(caller)) return event.body;
      const mine = teams.get(personBehind(caller)) ?? noTeams;
      const opens = (byApp.get(appOf(event)) ?? []).some((route) =>
        mayOpen(caller, guardOf(route, String(event.body['app_slug'] ?? '')), mine),
      );
      return opens ? event.body : null;
    });
  };
  return {
    prefix,
    fanOut: (event, receivers) => judge(receivers.map((caller) => ({ event, caller }))),
    replay: (caller, events) => judge(events.map((event) => ({ event, caller }))),
  };
};

/** Kinds by the part of the module; a part that announces others brings a filter of its own. */
export const gatewayEventFilters = (database: Database): EventFilter[] => [
  appFilter(database, 'gateway.app.'),
  appFilter(database, 'gateway.health.'),
  eventFilter('gateway.route.', (event, caller) => mayHear(event, caller) && mayView(caller)),
  eventFilter(
    'gateway.config.',
    (event, caller) => mayHear(event, caller) && hasPermission(caller.permissions, 'routes.write'),
  ),
];
