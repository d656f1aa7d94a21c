import { addCounter, addGauge, Tally } from '../platform/telemetry/families.ts';
import type { CountedKind } from '../platform/telemetry/hourly-counts.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

export interface Counting {
  count: (kind: CountedKind, by?: number) => void;
  validated: (result: 'valid' | 'kept' | 'invalid') => void;
  refreshed: (ok: boolean) => void;
  /** Where the totals of clients and tokens come from. */
  totals: (read: () => Promise<{ totals: { clients: number; live_tokens: number } }>) => void;
}

/** Scrapers come often, and counting rows is work. */
const totalsKeptMs = 30_000;

/** The families of the authorization server, which its objectives and alerts are about. */
export const createOauthMetrics = (metrics: Metrics, kept: Counting['count']): Counting => {
  const { registry, readings } = metrics;
  const counts: Record<CountedKind, number> = {
    token_issued: 0,
    token_revoked: 0,
    client_failed: 0,
    address_denied: 0,
  };
  const events = (kind: string) => readings.events.get(kind);
  addCounter(registry, 'atrium_oauth_token_issued_total', 'Access tokens issued.', () => [
    { value: counts.token_issued },
  ]);
  addCounter(registry, 'atrium_oauth_token_revoked_total', 'Access tokens ended before their time.', () => [
    { value: counts.token_revoked },
  ]);
  addCounter(registry, 'atrium_oauth_authorization_codes_issued_total', 'Authorization codes issued.', () => [
    { value: events('oauth.code.created') },
  ]);
  addCounter(
    registry,
    'atrium_oauth_failed_authentications_total',
    'Clients and persons who failed to prove themselves.',
    () => [
      { labels: { of: 'client' }, value: counts.client_failed },
      { labels: { of: 'person' }, value: events('identity.user.sign_in_failed') },
    ],
  );
  const validations = new Tally();
  addCounter(
    registry,
    'atrium_auth_jwt_validations_total',
    'Access tokens in the form of a JWT that were judged.',
    () => validations.as('result'),
  );
  const refreshes = new Tally();
  addCounter(registry, 'atrium_auth_refresh_total', 'Refresh tokens of clients and devices that were presented.', () =>
    refreshes.as('result'),
  );
  return {
    refreshed: (ok) => refreshes.add(ok ? 'success' : 'refused'),
    validated: (result) => validations.add(result),
    count: (kind, by = 1) => {
      counts[kind] += by;
      kept(kind, by);
    },
    totals: (read) => {
      let known: { at: number; clients: number; tokens: number } | null = null;
      const totals = async () => {
        if (known !== null && performance.now() - known.at < totalsKeptMs) return known;
        try {
          const { totals: now } = await read();
          known = { at: performance.now(), clients: now.clients, tokens: now.live_tokens };
        } catch {
          // Without the database the other families are wanted most; these two say nothing then.
          known = null;
        }
        return known;
      };
      const gauge = (name: string, help: string, member: 'clients' | 'tokens') =>
        addGauge(
          registry,
          name,
          help,
          [],
          async () => {
            const now = await totals();
            return now === null ? [] : [{ value: now[member] }];
          },
          'max',
        );
      gauge('atrium_oauth_clients', 'Registered clients.', 'clients');
      gauge('atrium_oauth_active_tokens', 'Access tokens that are good now.', 'tokens');
    },
  };
};
