import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { cookiesStore } from './cookies-store.ts';
import { cookiePlace, type GatewayParts, upstreamAuthPlace } from './gateway-parts.ts';
import { routesStore } from './routes-store.ts';

/** Brings secrets for apps and kept cookies under a new master key. */
export const createGatewayRotation =
  ({ database: { read } }: Pick<GatewayParts, 'database'>): RotationVisit =>
  async (reencrypt) => {
    for (const { id, upstream_auth_secret } of await routesStore.sealed(read)) {
      const renewed = reencrypt(upstream_auth_secret!, upstreamAuthPlace(id));
      if (renewed !== null) await routesStore.reseal(read, id, upstream_auth_secret!, renewed);
    }
    for (const cookie of await cookiesStore.sealed(read)) {
      const renewed = reencrypt(cookie.value, cookiePlace(cookie.principal_id, cookie.route_id, cookie.name));
      if (renewed !== null) await cookiesStore.reseal(read, cookie, renewed);
    }
  };
