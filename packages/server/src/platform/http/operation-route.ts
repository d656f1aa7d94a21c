import type { Operation } from '@atrium/protocol';
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { authorize } from '../operations/authorize.ts';
import type { Binding, FileAnswer, StreamAnswer } from '../operations/binding.ts';
import type { Call } from '../operations/call.ts';
import { sendFile, sendStream, sendText } from './answers.ts';
import { multipartBody, rawBody } from './body-stream.ts';
import type { HttpHostOptions } from './http-options.ts';
import { readIdempotencyKey, requestHash } from './idempotency-key.ts';
import { type HeaderMembers, InputReader } from './input-reader.ts';
import { callOf } from './request-call.ts';
import type { RequestGuard } from './request-guard.ts';

const json = 'application/json; charset=utf-8';
/** What anybody may keep, a page of any site may read. */
const openToAll = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' };
/** `"3"`, also as a weak tag or without quotes; `*` is any version. What names none matches nothing, and is refused. */
const versionMember = (header: string | undefined): HeaderMembers => {
  if (header === undefined || header.trim() === '*') return null;
  return { version: /^\s*(?:W\/)?"?(\d{1,9})"?\s*$/.exec(header)?.[1] ?? header };
};

const bearerOf = ({ exchange }: FastifyRequest): string | null =>
  exchange.credential?.via === 'bearer' ? exchange.credential.token : null;

/** One operation as an HTTP route. Everything that does not depend on the request is worked out in the constructor. */
export class OperationRoute {
  readonly operation: Operation;
  readonly limit: number;
  readonly #run: (call: Call, input: unknown) => Promise<unknown>;
  readonly #reader: InputReader;
  readonly #guard: RequestGuard;
  readonly #options: HttpHostOptions;
  readonly #fillsSince: boolean;
  readonly #fillsVersion: boolean;

  constructor(binding: Binding, guard: RequestGuard, options: HttpHostOptions) {
    this.operation = binding.operation;
    this.limit = binding.operation.body_limit ?? options.config.body_limit;
    this.#run = binding.run as (call: Call, input: unknown) => Promise<unknown>;
    this.#reader = new InputReader(binding.operation);
    this.#guard = guard;
    this.#options = options;
    this.#fillsVersion = binding.operation.if_match === true && this.#reader.has('version');
    this.#fillsSince = binding.operation.answer === 'stream' && this.#reader.has('since');
  }

  /** Before the body is read: who is it, how often, and may they at all. */
  readonly admit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { operation } = this;
    const exchange = request.exchange;
    exchange.route = operation.path;
    exchange.operation = operation.name;
    this.#requireHeader(request);
    if (exchange.flight !== null && operation.answer === 'stream') exchange.flight.endless = true;
    const caller = await this.#guard.admit(request, reply, operation.access === 'public');
    exchange.caller = caller;
    if (operation.access === 'public') return;
    try {
      authorize(operation, caller);
    } catch (error) {
      if (error instanceof AppError) {
        this.#options.metrics.denied(operation.name, error.code);
        this.#options.on_denied(this.#call(request, reply), operation, error);
      }
      throw error;
    }
  };

  readonly handle: RouteHandlerMethod = async (request, reply) => {
    const key =
      this.operation.idempotency === undefined ? null : readIdempotencyKey(request.headers['idempotency-key']);
    const input = this.#reader.read(
      {
        params: request.params as Record<string, string>,
        query: request.query as Record<string, unknown>,
        body: this.#bodyIsJson ? request.body : undefined,
      },
      this.#headerMembers(request, key),
    );
    const call = this.#call(request, reply);
    if (key !== null && this.operation.idempotency === 'header') {
      call.idempotency = { key, operation: this.operation.name, request_hash: requestHash(input) };
    }
    if (this.operation.body === 'raw') call.raw = rawBody(request, this.limit);
    else if (this.operation.body === 'multipart') call.raw = await multipartBody(request, this.limit);
    if (this.operation.presents === true) call.presented = bearerOf(request);
    const output = await this.#run(call, input);
    return this.#answer(request, reply, call, output);
  };

  #requireHeader(request: FastifyRequest): void {
    const wanted = this.operation.header;
    if (wanted === undefined || request.headers[wanted[0]] === wanted[1]) return;
    throw new AppError('bad_request', `Send the header ${wanted[0]}: ${wanted[1]}.`);
  }

  get #bodyIsJson(): boolean {
    return (this.operation.body ?? 'json') === 'json';
  }

  #headerMembers(request: FastifyRequest, key: string | null): HeaderMembers {
    if (key !== null && this.operation.idempotency === 'field') return { idempotency_key: key };
    if (this.#fillsVersion) return versionMember(request.headers['if-match']);
    if (!this.#fillsSince) return null;
    const last = request.headers['last-event-id'];
    return typeof last === 'string' && last !== '' ? { since: last } : null;
  }

  #call(request: FastifyRequest, reply: FastifyReply): Call {
    return callOf(request, reply, this.#options.config);
  }

  #answer(request: FastifyRequest, reply: FastifyReply, call: Call, output: unknown): unknown {
    reply.code(this.operation.status);
    if (this.operation.answer === 'file') return sendFile(request, reply, output as FileAnswer);
    if (this.operation.answer === 'stream') {
      request.exchange.flight?.begin();
      return sendStream(reply, output as StreamAnswer, call.signal, this.#options.config.stream_keep_alive_ms);
    }
    if (this.operation.cache_s !== undefined)
      reply.headers({ ...openToAll, 'cache-control': `public, max-age=${this.operation.cache_s}` });
    if (this.operation.status === 204) return reply.send();
    if (this.operation.if_match === true) reply.header('etag', `"${(output as { version: number }).version}"`);
    const text = JSON.stringify(output ?? null);
    if (this.#options.validate_output) this.#check(text);
    return sendText(request, reply, text, json);
  }

  #check(text: string): void {
    const result = this.operation.output.safeParse(JSON.parse(text));
    if (!result.success) {
      throw new Error(
        `${this.operation.name} answered something else than its output: ${JSON.stringify(result.error.issues)}`,
      );
    }
  }
}
