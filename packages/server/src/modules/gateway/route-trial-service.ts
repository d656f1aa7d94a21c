import { hasPermission, type OutputOf, type ParsedInputOf, type routesTest } from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { ownHostNames } from '../../platform/http/host-names.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { mayOpen, missingScopes, requiredScopes } from './access-policy.ts';
import type { AppsService } from './apps-service.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { RouteSnapshot, SnapshotSource, TargetHealth } from './snapshot.ts';

type Trial = OutputOf<typeof routesTest>;

const nothing = { route: null, required_scopes: [], target: null, request_headers: [] } as const;

/** What an app would be asked: the part of the path below the base goes after that of the target. */
const targetUrl = (route: RouteSnapshot, base: string, url: URL, health: TargetHealth): string | null => {
  const able = route.targets.filter(({ weight }) => weight > 0);
  const target = able.find(({ url: one }) => health.status(route.id, one) !== 'unhealthy') ?? able[0];
  if (target === undefined) return null;
  const below = url.pathname.slice(base.replace(/\/$/, '').length);
  const path = route.strip_prefix ? (below.startsWith('/') ? below : `/${below}`) : url.pathname;
  return `${target.url}${path}${url.search}`;
};

const headersOf = (route: RouteSnapshot, url: URL, base: string, caller: Caller): [string, string][] => [
  [
    'host',
    route.preserve_host ? url.host : (route.targets[0]?.url.replace(/^https?:\/\//, '').replace(/\/.*$/, '') ?? ''),
  ],
  ['x-forwarded-host', url.host],
  ['x-forwarded-proto', url.protocol.slice(0, -1)],
  ...(route.strip_prefix && base !== '/' ? [['x-forwarded-prefix', base.replace(/\/$/, '')] as [string, string]] : []),
  ['x-atrium-user', caller.name],
  ...(route.upstream_auth.kind === 'header' ? [['authorization', '***'] as [string, string]] : []),
];

/** Answers from the snapshot of this process, by the policy of the gate, and connects to nothing. */
export const createRouteTrialService = (
  parts: GatewayParts,
  source: SnapshotSource,
  apps: Pick<AppsService, 'teamsOf'>,
  health: TargetHealth,
) => {
  const subject = async (call: Call, id: string | undefined): Promise<Caller> => {
    if (id === undefined || id === call.caller.id) return call.caller;
    if (!hasPermission(call.caller.permissions, 'routes.write'))
      throw new AppError('permission_denied', 'This needs the permission routes.write.', {
        extensions: { error: 'permission denied', required: 'routes.write' },
      });
    const found = await parts.principalIn(call.caller.org_id, id);
    if (found === null) throw notFound('The principal');
    return found;
  };

  return {
    test: async (call: Call, input: ParsedInputOf<typeof routesTest>): Promise<Trial> => {
      const url = new URL(input.url);
      if (!/^(?:https?|wss?):$/.test(url.protocol)) throw invalid('url', 'must begin with http:// or https://');
      const caller = await subject(call, input.as);
      const { extra_hosts } = parts.settings();
      const own = ownHostNames(parts.public_url(), extra_hosts);
      const name = url.hostname.toLowerCase().replace(/\.$/, '');
      const { table } = source.current();
      const host = own.includes(name) || (/^[\d.]+$|^\[/.test(name) && !table.knowsHost(name)) ? '' : name;
      const found = table.match(host, url.pathname);
      // A route of somebody else is none here.
      if (found === null || found.route.org_id !== call.caller.org_id)
        return {
          ...nothing,
          required_scopes: [],
          request_headers: [],
          verdict: 'not_found',
          reason: 'No route takes this address.',
        };
      const { route, base, redirect } = found;
      const named = { route: { id: route.id, slug: route.slug }, required_scopes: requiredScopes(route) };
      const refused = (verdict: Trial['verdict'], reason: string): Trial => ({
        ...named,
        verdict,
        reason,
        target: null,
        request_headers: [],
      });
      if (redirect) return refused('allow', `The client is sent to ${base} first.`);
      if (!mayOpen(caller, route, await apps.teamsOf(parts.database.read, caller)))
        return refused('not_found', `${caller.name} may not open this app, and hears that there is none.`);
      const missing = missingScopes(caller, route);
      if (missing.length > 0) return refused('insufficient_scope', `The token lacks ${missing.join(', ')}.`);
      if (route.kind === 'not_found') return refused('not_found', 'The address is parked.');
      if (route.kind === 'redirect') return refused('allow', `The client is sent to ${route.redirect_to}.`);
      return {
        ...named,
        verdict: 'allow',
        reason: route.access === 'public' ? 'Everybody may open it.' : `${caller.name} may open it.`,
        target: targetUrl(route, base, url, health),
        request_headers: headersOf(route, url, base, caller),
      };
    },
  };
};
export type RouteTrialService = ReturnType<typeof createRouteTrialService>;
