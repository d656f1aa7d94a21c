import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { AnswerLines } from './fast/answer-lines.ts';

/** What is needed of a request to pass it on. One of Node is one, and so is one that the fast reader made. */
export interface PassedRequest
  extends Pick<
    IncomingMessage,
    'method' | 'url' | 'headers' | 'rawHeaders' | 'httpVersionMinor' | 'socket' | 'complete' | 'destroyed'
  > {
  /** Read by the fast reader: what it is passed on with goes the short way as well. */
  readonly fast?: true;
  /** The same object for requests of one connection whose header lines are the same. */
  readonly fields?: object;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'end' | 'close', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** The same of an answer. */
export interface PassedResponse {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly writableNeedDrain: boolean;
  readonly socket: Socket | null;
  statusCode: number;
  shouldKeepAlive: boolean;
  on(event: 'close' | 'drain', listener: () => void): unknown;
  setHeader(name: 'connection', value: 'close'): unknown;
  writeHead(status: number, headers: string[] | OutgoingHttpHeaders): unknown;
  writeHead(status: number, text: string, headers: string[]): unknown;
  writeContinue(): void;
  writeEarlyHints(hints: { link: string | string[] }): void;
  /** Sends the head as well, if it did not leave yet; so do no bytes at all. */
  write(chunk: Buffer): boolean;
  addTrailers(pairs: [string, string][]): void;
  end(chunk?: Buffer | string): unknown;
  destroy(): unknown;
  /** Like `writeHead`, for lines that many answers share; what is there leaves with `isTaken` at the latest. */
  writeLines?(lines: AnswerLines, requestId: string): void;
  /** Like `end`, but closed at once when the system takes all of it: for a caller that does nothing afterwards. */
  finish?(): void;
  /** Sends what is there; true when the system has taken all of it. */
  isTaken?(): boolean;
}
