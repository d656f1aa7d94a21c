import type { Duplex } from 'node:stream';
import type { JarChange } from '../rewriting/cookie-jar.ts';
import type { RouteSnapshot } from '../snapshot.ts';

/** One request as the client sent it and the target it went to. */
export interface RewrittenExchange {
  route: RouteSnapshot;
  /** As the table matched it. */
  base: string;
  /** `path` at the server's own origin, `host` on a host name of the route. */
  mode: 'path' | 'host';
  method: string;
  /** As the client sent it, with query. */
  url: string;
  /** Host header of the client, with port. */
  host: string;
  /** Raw request headers of the client. */
  raw_headers: readonly string[];
  target: { hostname: string; port: number; base_path: string };
  /** There is a principal whose jar takes cookies. */
  has_jar: boolean;
  now: Date;
}

export interface RewrittenAnswer {
  /** Raw headers for the client, without those of one hop, which the lane takes away before. */
  headers: string[];
  /** The app's body goes through it; null = goes as it comes. Already opens and closes the content coding. */
  body: Duplex | null;
  /** For the jar of the principal. */
  jar: readonly JarChange[];
}

/** A file of ours below the base of a route. */
export interface OwnFile {
  status: 200;
  headers: string[];
  body: Buffer;
}

/** What a lane asks of the rewriting. Pure: no clock, no database, no socket. */
export interface AnswerRewriter {
  /** Whether answers of this exchange may be rewritten, so that `accept` has to be asked. */
  rewrites(exchange: RewrittenExchange): boolean;
  /** Value of Accept-Encoding for the app: only codings that can be opened. */
  accept(value: string | undefined): string | undefined;
  answer(exchange: RewrittenExchange, status: number, headers: readonly string[]): RewrittenAnswer;
  /** Asked after the gate has allowed; null = the path is the app's. */
  ownFile(exchange: Pick<RewrittenExchange, 'base' | 'mode' | 'method' | 'url' | 'route'>): OwnFile | null;
}
