import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Arrival, FrontDoor } from '../../../platform/http/front-door.ts';
import { formProblem } from '../../../platform/http/request-form.ts';
import { plainResponse } from '../../../platform/http/upgrade-router.ts';
import { assertionHeader, readAssertion, type UsedOnce } from './assertion.ts';
import type { LinkStream } from './mux.ts';
import type { PeerLink } from './peer-link.ts';
import type { RemoteRequest } from './remote-gate.ts';

const headersMs = 10_000;

export interface StreamDoorParts {
  front: () => FrontDoor | null;
  own_id: () => string;
  used: UsedOnce;
  now: () => Date;
  admit(rawHeaders: readonly string[], remote: RemoteRequest): void;
  refused(link: PeerLink, reason: string): void;
}

/**
 * HTTP over the streams of links, before the same lanes as every other request: each has to bring an assertion of the
 * peer at the other end, and is handed on as a request of that peer.
 */
export class StreamDoor {
  readonly #parts: StreamDoorParts;
  readonly #links = new WeakMap<object, PeerLink>();
  readonly #server = createServer({ maxHeaderSize: 64 * 1024, headersTimeout: headersMs, requestTimeout: 0 });

  constructor(parts: StreamDoorParts) {
    this.#parts = parts;
    this.#server.setTimeout(0);
    this.#server.maxHeadersCount = 300;
    const request = (asked: IncomingMessage, response: ServerResponse, expects: boolean): void => {
      const arrival = this.#arrive(asked);
      const taken = arrival !== null && parts.front()?.request(asked, response, arrival, expects) === true;
      if (!taken) plainRefusal(response);
    };
    this.#server.on('request', (asked, response) => request(asked, response, false));
    this.#server.on('checkContinue', (asked, response) => request(asked, response, true));
    this.#server.on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
      const arrival = this.#arrive(asked);
      const taken = arrival !== null && parts.front()?.upgrade(asked, socket, head, arrival) === true;
      if (!taken) plainRefusal(plainResponse(asked, socket));
    });
    this.#server.on('connect', (_asked, socket: Duplex) => socket.destroy());
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  take(link: PeerLink, stream: LinkStream): void {
    this.#links.set(stream, link);
    this.#server.emit('connection', stream);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #arrive(request: IncomingMessage): Arrival | null {
    const link = this.#links.get(request.socket);
    const { [assertionHeader]: assertion } = request.headers;
    if (link === undefined || formProblem(request) !== null || request.url?.startsWith('/apps/') !== true) return null;
    const who =
      typeof assertion !== 'string'
        ? null
        : readAssertion(assertion, {
            peer: { id: link.peer_id, public_key: link.public_key },
            own_id: this.#parts.own_id(),
            used: this.#parts.used,
            now: this.#parts.now(),
          });
    if (who === null) {
      this.#parts.refused(link, 'bad_assertion');
      return null;
    }
    this.#parts.admit(request.rawHeaders, { peer_id: link.peer_id, who });
    const authority = request.headers.host ?? '';
    return { host: '', authority, scheme: 'http', address: link.remote_address, proxy: null };
  }
}

const plainRefusal = (response: ServerResponse): void => {
  response.writeHead(404, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify({ type: 'about:blank', title: 'Not found', status: 404, code: 'not_found' }));
};
