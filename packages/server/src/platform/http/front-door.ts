import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PassedRequest, PassedResponse } from './passing.ts';

/** Where a request came from and where it wants to go, as far as this server believes it. */
export interface Arrival {
  /** '' for the server's own origin, else the name of a host that the front door knows. */
  host: string;
  /** The Host header as the client wrote it, port included. */
  authority: string;
  scheme: 'http' | 'https';
  /** The real peer, or what a trusted proxy says of it. */
  address: string;
  /** The peer itself when it is a trusted proxy; null when it is the client. */
  proxy: string | null;
}

/**
 * Sees requests and upgrades before the product's own routes, and takes those that are its own. Asked for every
 * request of the server: what is not its own must be passed on at once.
 */
export interface FrontDoor {
  /** Whether it answers for this host name. */
  knowsHost(host: string): boolean;
  /** True when it has taken the request. `expects` = the client waits for 100 Continue before it sends the body. */
  request(request: PassedRequest, response: PassedResponse, arrival: Arrival, expects: boolean): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, arrival: Arrival): boolean;
  /** Takes nothing new, lets what runs finish, and cuts off what is left at the deadline. */
  drain(deadline_ms: number): Promise<void>;
}
