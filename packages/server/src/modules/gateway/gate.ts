import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../../platform/operations/caller.ts';
import type { RouteSnapshot } from './snapshot.ts';

/** What the gate sees of a request: its head, never its body. */
export interface GateRequest {
  method: string;
  /** As it was sent, with query. */
  url: string;
  headers: IncomingHttpHeaders;
  /** Every header in order, for what `headers` joins or drops. */
  raw_headers: readonly string[];
  /** The same object for requests of one connection whose header lines are the same. */
  fields?: object | undefined;
  /** '' for the own origin. */
  host: string;
  /** Scheme as the client used it. */
  scheme: 'http' | 'https';
  /** Real peer, after trusted proxies. */
  address: string;
  upgrade: boolean;
  request_id: string;
}

/** Who came through, for headers, log, figures and for ending what runs when the right ends. */
export interface Visitor {
  /** Null on public routes and for share links. */
  caller: Caller | null;
  share_id: string | null;
  /** Headers that tell the app who it is; client copies are dropped in any case. Made once per visitor and app. */
  identity_headers: readonly (readonly [string, string])[];
  /** Aborts when the credential, the membership, the share or the right to this route ends. Registered for tunnels, and for requests once they have run half a second; calls at once when it has ended by then. */
  watch(end: (reason: string) => void): () => void;
}

/** An app that is not there and one that somebody may not open are told of alike. */
export const hiddenApp = 'There is no such app, or you may not open it.';

/** The one decision, for every lane and mode. */
export type Verdict =
  | {
      kind: 'allow';
      visitor: Visitor /** Headers for the client's answer, such as a cookie of a share. */;
      set_headers?: readonly (readonly [string, string])[];
    }
  /** A browser that navigates is sent to sign in and comes back. */
  | { kind: 'redirect'; location: string; status: 302 | 303; set_headers?: readonly (readonly [string, string])[] }
  /** A page of ours: the PIN of a share. */
  | { kind: 'page'; status: number; html: string; set_headers?: readonly (readonly [string, string])[] }
  | {
      kind: 'refuse';
      status: 400 | 401 | 403 | 404 | 429 | 503;
      code: string;
      detail: string;
      required?: string;
      headers?: readonly (readonly [string, string])[];
    };

export interface Gate {
  /** Answers at once when it can: from a cache by token hash, without a promise. */
  decide(request: GateRequest, route: RouteSnapshot): Verdict | Promise<Verdict>;
  /** Paths below a host route that are the gate's own, such as /.well-known/atrium-gate; null = not its own. */
  own(request: GateRequest, route: RouteSnapshot): Promise<Verdict> | null;
}
