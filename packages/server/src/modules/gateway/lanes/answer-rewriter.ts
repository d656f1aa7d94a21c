import type { Transform } from 'node:stream';
import type { RouteSnapshot, TargetSnapshot } from '../snapshot.ts';

/** What a rewriter knows of the request whose answer it changes. */
export interface RewriteFacts {
  route: RouteSnapshot;
  target: TargetSnapshot;
  /** Where the route lives, as it was claimed: `/apps/notes/`. */
  base: string;
  /** What was taken from the path before it was sent, without a slash at the end; '' when nothing was. */
  prefix: string;
  /** True below the server's own origin, which the app shares with the product. */
  shared_origin: boolean;
  method: string;
  /** Below the base, without query. */
  path: string;
  /** With its question mark; '' when there is none. */
  query: string;
  /** Host header of the client, port included. */
  authority: string;
  scheme: 'http' | 'https';
  /** Null for strangers and share links. */
  principal_id: string | null;
  request_id: string;
}

/** Headers as name, value, name, value …, in the order and spelling of the wire. */
export type RawHeaders = string[];

/** Changes what passes through a lane so that it works below a path. All of it may be left as it is. */
export interface AnswerRewriter {
  /** An answer to a path that is the rewriter's own, such as its script; null for all others. Asked after the gate. */
  own(facts: RewriteFacts): { status: number; headers: RawHeaders; body: Buffer } | null;
  /** What the app is asked with: codings that can be read here, cookies that are kept here. */
  request(headers: RawHeaders, facts: RewriteFacts): RawHeaders;
  head(status: number, headers: RawHeaders, facts: RewriteFacts): RawHeaders;
  /** True when `head` and `body` leave such an answer as it is, whatever was asked for and whoever asks. */
  leaves(headers: readonly string[], place: Pick<RewriteFacts, 'shared_origin'> & { rewrite: boolean }): boolean;
  /** Asked after `head`, with what it returned; null leaves the body alone. */
  body(status: number, headers: RawHeaders, facts: RewriteFacts): Transform | null;
}
