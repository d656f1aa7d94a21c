import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Arrival, FrontDoor } from '../../../platform/http/front-door.ts';
import type { PassedRequest, PassedResponse } from '../../../platform/http/passing.ts';
import { requestIdOf } from '../../../platform/http/request-id.ts';
import { plainResponse } from '../../../platform/http/upgrade-router.ts';
import { hiddenApp } from '../gate.ts';
import { readRequestPath } from '../matching/request-path.ts';
import { Balancer } from './balancer.ts';
import { Circuits } from './circuits.ts';
import { Exchange } from './exchange.ts';
import { Filters } from './filters.ts';
import type { LaneContext, LaneParts, Matched } from './lane-context.ts';
import { Mirrors } from './mirror.ts';
import { type OwnAnswer, sendOwnAnswer } from './own-answers.ts';
import { RunningSet } from './running.ts';
import { TargetLinks } from './target-links.ts';
import { Tunnel } from './tunnel.ts';

/** The data plane of the gateway. */
export interface Lane {
  front: FrontDoor;
  /** Ends what runs through a route; tells how many that were. */
  drain(routeId: string, within_ms: number): number;
  running(): number;
  /** After `front.drain`. */
  close(): Promise<void>;
}

const unknownApp: OwnAnswer = {
  status: 404,
  code: 'not_found',
  detail: hiddenApp,
};
const badPath: OwnAnswer = {
  status: 400,
  code: 'gateway_bad_path',
  detail: 'The path has dot segments, backslashes, NUL or escapes of them.',
};
const full: OwnAnswer = {
  status: 503,
  code: 'not_ready',
  detail: 'Too much runs through the gateway; try again soon.',
  headers: [['retry-after', '5']],
};

/** Below this everything is the gateway's at the shared origin, so that an unknown app answers as a hidden one does. */
const ownPrefix = '/apps/';

type Found<Request extends PassedRequest> =
  | { kind: 'not_ours' }
  | { kind: 'answer'; answer: OwnAnswer }
  | { kind: 'route'; matched: Matched<Request> };

class SlowLane implements FrontDoor {
  readonly #lane: LaneContext;
  readonly #most: number;
  #draining = false;

  constructor(lane: LaneContext) {
    this.#lane = lane;
    this.#most = lane.most_running ?? 10_000;
  }

  knowsHost(host: string): boolean {
    return this.#lane.source.current().table.knowsHost(host);
  }

  request(request: PassedRequest, response: PassedResponse, arrival: Arrival, expects: boolean): boolean {
    const found = this.#find(request, arrival);
    if (found.kind === 'not_ours') return false;
    if (this.#draining) response.setHeader('connection', 'close');
    if (found.kind === 'route') new Exchange(this.#lane, found.matched, response, expects).begin();
    else this.#answer(request, response, found.answer);
    return true;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, arrival: Arrival): boolean {
    const found = this.#find(request, arrival);
    if (found.kind === 'not_ours') return false;
    if (found.kind === 'route') new Tunnel(this.#lane, found.matched, socket, head).begin();
    else this.#answer(request, plainResponse(request, socket), found.answer);
    return true;
  }

  drain(deadline_ms: number): Promise<void> {
    this.#draining = true;
    this.#lane.on_drain?.();
    return this.#lane.running.drainAll(deadline_ms);
  }

  #find<Request extends PassedRequest>(request: Request, arrival: Arrival): Found<Request> {
    const url = request.url ?? '/';
    const shared = arrival.host === '';
    const read = readRequestPath(url);
    if (read === null) {
      if (shared && !url.startsWith(ownPrefix)) return { kind: 'not_ours' };
      return { kind: 'answer', answer: badPath };
    }
    const match = this.#lane.source.current().table.match(arrival.host, read.path);
    if (match === null) {
      if (shared && !(read.path.startsWith(ownPrefix) && read.path.length > ownPrefix.length))
        return { kind: 'not_ours' };
      return { kind: 'answer', answer: unknownApp };
    }
    if (this.#lane.running.size >= this.#most || this.#draining) return { kind: 'answer', answer: full };
    const { route, base, redirect } = match;
    return {
      kind: 'route',
      matched: { request, arrival, request_id: requestIdOf(request), route, base, redirect, read },
    };
  }

  #answer(request: PassedRequest, response: PassedResponse, answer: OwnAnswer): void {
    const at = { public_url: this.#lane.public_url(), request_id: requestIdOf(request) };
    sendOwnAnswer(request, response, answer, at);
  }
}

/** The reference lane: node:http towards clients, undici's dispatcher towards apps. */
export const createLane = (parts: LaneParts): Lane => {
  const running = parts.running ?? new RunningSet(parts.sweep_ms ?? 500);
  const links = new TargetLinks(parts.guard, parts.resolve, parts.dial_peer ?? null);
  const context: LaneContext = {
    ...parts,
    running,
    links,
    balancer: new Balancer(parts.health, parts.sticky_key),
    filters: new Filters(parts),
    circuits: new Circuits(),
    mirrors: new Mirrors(links, (result) => parts.metrics.mirror(result)),
    via: `1.1 atrium (${parts.server_id})`,
  };
  parts.source.onSwap((gone) => {
    links.keepOnly(parts.source.current());
    parts.cache.keepOnly(parts.source.current().routes);
    if (gone.size > 0) running.drain(gone, parts.drain_ms ?? 30_000);
  });
  return {
    front: new SlowLane(context),
    drain: (routeId, within) => running.drain(new Set([routeId]), within),
    running: () => running.size,
    close: async () => {
      running.stop();
      await links.destroy();
    },
  };
};
