import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import type { GateParts } from './gate-parts.ts';
import { type GateService, gatePath, isOwnPath } from './gate-service.ts';
import { shareCookieName } from './presented-credential.ts';
import { codeMs } from './share-entry-service.ts';
import type { ShareRow } from './shares-store.ts';
import { visitsStore } from './visits-store.ts';

/** Where a browser wants back to: a path of the own origin, or an address of a host that some route has. */
export interface Destination {
  /** '' for the own origin. */
  host: string;
  /** Of the host; the own origin's for a path. */
  origin: string;
  path: string;
}

/** The way back from the own origin to an app, with something that opens it there. */
export const createHandover = (
  parts: Pick<GateParts, 'database' | 'clock' | 'snapshots' | 'public_url'>,
  gate: GateService,
) => {
  const { database, clock, snapshots, public_url } = parts;

  /** Null for anything that is no place of this server: nobody is sent, or let in, anywhere else. */
  const destination = (to: string | undefined): Destination | null => {
    if (to === undefined || to.length > 4000) return null;
    if (isOwnPath(to)) return { host: '', origin: public_url(), path: to };
    if (!URL.canParse(to)) return null;
    const url = new URL(to);
    const host = url.hostname.replace(/\.$/, '');
    // What goes to a host over plain HTTP could be read on its way, unless the whole server is plain HTTP.
    const isFit = url.protocol === 'https:' || url.protocol === new URL(public_url()).protocol;
    if (!isFit || url.username !== '' || url.password !== '' || !snapshots.current().table.knowsHost(host)) return null;
    return { host, origin: url.origin, path: `${url.pathname}${url.search}` };
  };

  const landing = (at: Destination, code: string): string =>
    `${at.origin}${gatePath}?${new URLSearchParams({ code, to: at.path })}`;

  return {
    destination,

    /** A code for the host, which the browser that left from there turns into a cookie within a minute. */
    forSession: async (call: Call, at: Destination, browser_hash: string): Promise<string> => {
      const { org_id, credential } = call.caller;
      const code = newToken();
      const now = clock.now();
      const visit = {
        ...{ id: newId(), org_id, route_id: null, host: at.host, at: now },
        of: { session_id: credential.id! },
        ends_at: credential.expires_at ?? now,
      };
      await visitsStore.handOver(database.read, visit, {
        ...{ code_hash: hashToken(code), browser_hash },
        until: new Date(now.getTime() + codeMs),
      });
      return landing(at, code);
    },

    /** The share link's route at a place, while the link is good. */
    shareAt: async (at: Destination, token: string): Promise<ShareRow | null> => {
      const match = snapshots.current().table.match(at.host, at.path.split('?', 1)[0]!);
      return match === null ? null : gate.shares.find(token, match.route.id);
    },

    proves: gate.shares.proves,

    /** Where to go on to, and the cookie that opens it there when that is the own origin; null when the last use is gone. */
    forShare: async (
      call: Call,
      share: ShareRow,
      at: Destination,
      browser_hash: string,
    ): Promise<{ to: string; cookie: { name: string; value: string; expires: Date } | null } | null> => {
      const { request_id, ip: address } = call;
      if (at.host !== '') {
        const code = await gate.shares.handOver(share, { host: at.host, browser_hash, request_id, address });
        return code === null ? null : { to: landing(at, code), cookie: null };
      }
      const opened = await gate.shares.open(share, { host: '', request_id, address });
      if (opened === null) return null;
      const name = shareCookieName(share.route_id, { host: '', scheme: 'https' });
      return { to: at.path, cookie: { name, value: opened.cookie, expires: opened.ends_at } };
    },
  };
};

export type Handover = ReturnType<typeof createHandover>;
