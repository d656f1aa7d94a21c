import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { type Gate, hiddenApp, type Verdict, type Visitor } from '../gate.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import { assertionHeader, type RemotePrincipal, signAssertion } from './assertion.ts';
import type { FederationBook } from './federation-book.ts';
import { type FederationParts, peerOfHost } from './federation-parts.ts';
import type { RuleRow } from './federation-rows.ts';
import type { InstanceKey } from './instance-key.ts';

export interface RemoteRequest {
  peer_id: string;
  who: RemotePrincipal;
}

const unknownApp: Verdict = Object.freeze({ kind: 'refuse', status: 404, code: 'not_found', detail: hiddenApp });

/** Bytes that any app server reads as they are. */
const plain = (value: string): string => value.replaceAll(/[^\x20-\x7e]+/g, encodeURIComponent);

/** Who a visitor is, as the gate tells apps. */
const claimsOf = (visitor: Visitor): RemotePrincipal => {
  const assertion = visitor.identity_headers.find(([name]) => name === 'X-Atrium-Assertion')?.[1];
  if (assertion === undefined) return { subject: 'anonymous', name: '', email: null, groups: [] };
  const said = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
    sub: string;
    name?: string;
    email?: string;
    groups?: string[];
  };
  return {
    ...{ subject: said.sub, name: (said.name ?? '').slice(0, 200), email: said.email ?? null },
    groups: (said.groups ?? []).slice(0, 200).map((group) => group.slice(0, 100)),
  };
};

interface Watcher {
  remote: RemoteRequest;
  route: RouteSnapshot;
  end: (reason: string) => void;
}

/**
 * The gate, with what the federation adds on both sides. Where a route leads to a peer, the own gate decides as ever and
 * the visitor goes on with an assertion for that peer. A request that came through a link is known by its very head, which
 * nothing that a client sends can bring about; about it decide publications and rules alone, never the own people's rights.
 */
export class RemoteGate implements Gate {
  readonly #parts: FederationParts;
  readonly #inner: Gate;
  readonly #book: FederationBook;
  readonly #key: () => InstanceKey;
  readonly #remote = new WeakMap<readonly string[], RemoteRequest>();
  readonly #watchers = new Set<Watcher>();

  constructor(parts: FederationParts, inner: Gate, book: FederationBook, key: () => InstanceKey) {
    this.#parts = parts;
    this.#inner = inner;
    this.#book = book;
    this.#key = key;
    book.onChange(() => this.#judgeAgain());
  }

  /** From now on the request with this head is one of a peer. */
  admit(rawHeaders: readonly string[], remote: RemoteRequest): void {
    this.#remote.set(rawHeaders, remote);
  }

  own(...[request, route]: Parameters<Gate['own']>): ReturnType<Gate['own']> {
    return this.#remote.has(request.raw_headers) ? null : this.#inner.own(request, route);
  }

  decide(...[request, route]: Parameters<Gate['decide']>): ReturnType<Gate['decide']> {
    const remote = this.#remote.get(request.raw_headers);
    if (remote !== undefined) return this.#decideRemote(remote, route);
    const verdict = this.#inner.decide(request, route);
    const peer = route.peer_id ?? null;
    if (peer === null) return verdict;
    return verdict instanceof Promise
      ? verdict.then((given) => this.#through(given, peer))
      : this.#through(verdict, peer);
  }

  #through(verdict: Verdict, peer: string): Verdict {
    if (verdict.kind !== 'allow') return verdict;
    const { visitor } = verdict;
    const sign = (): string => signAssertion(this.#key(), peer, claimsOf(visitor), this.#parts.clock.now());
    return {
      ...verdict,
      visitor: {
        ...{ caller: visitor.caller, share_id: visitor.share_id, watch: visitor.watch.bind(visitor) },
        // Each is good for one request, and a request that is sent again needs another.
        get identity_headers() {
          return [[assertionHeader, sign()]] as const;
        },
      },
    };
  }

  #decideRemote(remote: RemoteRequest, route: RouteSnapshot): Verdict {
    const way = this.#wayIn(remote, route);
    if (way === null) {
      const details = { peer_id: remote.peer_id, subject: remote.who.subject, slug: route.app.slug };
      this.#parts.database.auditDenied(internalCall(systemCaller({ id: route.org_id }), newId()), {
        ...{ action: 'federation.request_refused', target_type: 'app', target_id: route.app.id, details },
      });
      return unknownApp;
    }
    const { peer_id, who } = remote;
    const visitor: Visitor = {
      ...{ caller: null, share_id: null },
      identity_headers: [
        ['X-Atrium-User', plain(`${peer_id}/${who.subject}`)],
        ['X-Atrium-Peer', peer_id],
        // An address counts where somebody here said that this very one does; else a peer could be anybody.
        ...(way !== 'open' && way.match === 'email' ? [['X-Atrium-Email', plain(way.value)] as const] : []),
        ...(way !== 'open' && way.match === 'group' ? [['X-Atrium-Groups', plain(way.value)] as const] : []),
      ],
      watch: (end) => this.#watch({ remote, route, end }),
    };
    return { kind: 'allow', visitor };
  }

  #wayIn({ peer_id, who }: RemoteRequest, route: RouteSnapshot): RuleRow | 'open' | null {
    const { enabled, allow_remote_routes } = this.#parts.settings();
    if (!enabled || !allow_remote_routes || !this.#book.peers.has(peer_id)) return null;
    // What came from a peer is not handed on to the next.
    if (route.targets.some(({ hostname }) => peerOfHost(hostname) !== null)) return null;
    if (this.#book.publication(route.app.id, peer_id) === null) return null;
    if (route.access === 'public') return 'open';
    const rules = this.#book.rulesOf(peer_id, route.org_id, route.app.id);
    const fits = ({ match, value }: RuleRow): boolean =>
      match === 'email' ? who.email === value : who.groups.some((group) => group.toLowerCase() === value);
    return rules.find((rule) => rule.match === 'email' && fits(rule)) ?? rules.find(fits) ?? null;
  }

  #watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    // What changed between the decision and now.
    if (this.#wayIn(watcher.remote, watcher.route) === null) queueMicrotask(() => this.#end(watcher));
    return () => this.#watchers.delete(watcher);
  }

  #judgeAgain(): void {
    for (const watcher of this.#watchers) if (this.#wayIn(watcher.remote, watcher.route) === null) this.#end(watcher);
  }

  #end(watcher: Watcher): void {
    if (this.#watchers.delete(watcher)) watcher.end('no longer allowed');
  }
}
