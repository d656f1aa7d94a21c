import type { Readable } from 'node:stream';
import type { Operation, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from './call.ts';

/** What a handler of an `answer: 'file'` operation returns. The host sets the headers that keep bytes from being run. */
export interface FileAnswer {
  stream: Readable;
  content_type: string;
  length: number | null;
  file_name: string;
  /** Only for types that a browser cannot run. */
  inline: boolean;
  etag?: string;
}

/** What a handler of an `answer: 'stream'` operation returns: server-sent events until the call's signal aborts. */
export interface StreamAnswer {
  events: AsyncIterable<{ event?: string; id?: string; data: string } | { comment: string; retry_ms?: number }>;
  /** The source waits for a slow client and leaves out what it cannot take, instead of its stream being ended. */
  paced?: boolean;
}

type Answer<O extends Operation> =
  NonNullable<O['answer']> extends 'file'
    ? FileAnswer
    : NonNullable<O['answer']> extends 'stream'
      ? StreamAnswer
      : OutputOf<O>;

/** An operation with the code that performs it. Both REST and MCP hosts are fed from the same list. */
export interface Binding {
  operation: Operation;
  run: (call: Call, input: never) => Promise<unknown>;
}

/** Pairs an operation with its handler, checked against the operation's own input and output types. */
export const bind = <O extends Operation>(
  operation: O,
  run: (call: Call, input: ParsedInputOf<O>) => Promise<Answer<O>>,
): Binding => ({ operation, run: run as Binding['run'] });
