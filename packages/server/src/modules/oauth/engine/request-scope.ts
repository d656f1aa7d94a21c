import { AsyncLocalStorage } from 'node:async_hooks';
import type { X509Certificate } from 'node:crypto';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { Db } from '../stores/db.ts';

/** Why a transaction is given up; the answer that was refused says more. */
class GivenUp extends Error {}

/**
 * The transaction of one request, begun by its first write. The engine calls storage step by step and answers at the
 * end, so beginning and ending are acts of their own here and not the borders of a function.
 */
class RequestTransaction {
  readonly #database: Database;
  readonly #call: Call;
  readonly #finish = Promise.withResolvers<void>();
  #opened: Promise<Transaction> | null = null;
  #open: Transaction | null = null;
  #done: Promise<void> | null = null;

  constructor(database: Database, call: Call) {
    this.#database = database;
    this.#call = call;
    this.#finish.promise.catch(() => {});
  }

  /** Set once it has begun. */
  get current(): Transaction | null {
    return this.#open;
  }

  begin(): Promise<Transaction> {
    this.#opened ??= this.#start();
    return this.#opened;
  }

  async end(commit: boolean): Promise<void> {
    if (this.#done === null) return;
    if (commit) this.#finish.resolve();
    else this.#finish.reject(new GivenUp());
    await this.#done.catch((error: unknown) => {
      if (!(error instanceof GivenUp)) throw error;
    });
  }

  #start(): Promise<Transaction> {
    const opened = Promise.withResolvers<Transaction>();
    let entered = false;
    this.#done = this.#database.transaction(this.#call, async (tx) => {
      // What the engine did cannot be done again, so a second attempt must not commit an empty transaction.
      if (entered) throw new GivenUp('The transaction cannot be repeated.');
      entered = true;
      this.#open = tx;
      opened.resolve(tx);
      await this.#finish.promise;
    });
    this.#done.catch((error: unknown) => opened.reject(error));
    return opened.promise;
  }
}

export interface ScopeParts {
  database: Database;
  /** Nobody in particular for protocol endpoints; the person for pages. */
  call: Call;
  person: Caller | null;
  public_url: string;
  certificate: X509Certificate | null;
}

/** What belongs to one request while the engine works on it. */
export class RequestScope {
  readonly call: Call;
  readonly person: Caller | null;
  readonly public_url: string;
  /** With which the client connected to the proxy. */
  readonly certificate: X509Certificate | null;
  readonly database: Database;
  readonly #tx: RequestTransaction;
  #queue: Promise<unknown> = Promise.resolve();
  /** The organisation that a grant saved in this request is for. */
  grant_org: string | null = null;
  /** The agent that a grant saved in this request is for. */
  grant_actor: string | null = null;
  /** A token of the agent that acts, which came with a code or a refresh token. */
  actor_token: string | null = null;
  /** A verified JWT of ours as a stored token, good for this request alone. */
  presented: {
    handle: string;
    kind: 'AccessToken' | 'ClientCredentials';
    payload: Record<string, unknown>;
    /** Of a transaction: who may learn of it. */
    participants?: readonly string[];
  } | null = null;
  /** A page that a person sees, not an endpoint that clients call. */
  of_a_person = false;
  /** Why a family ends in this request: the token endpoint ends one only when something is spent twice. */
  why: 'replay' | 'revoked' = 'revoked';
  /** A device asks whether its person has decided. */
  polling = false;
  /** What a request at the endpoint for approvals is about; null where the grant is polled for. */
  approval: { act: 'open' } | { act: 'read' | 'withdraw'; id: string } | null = null;
  /** The person whom a CIBA request will be put to. */
  asked: { id: string; org_id: string } | null = null;
  /** A client gives back one access token. */
  returning_token = false;
  /** The refusal spends nothing of what came with the request: its client may come again with what was missing. */
  spends_nothing = false;
  /** The jti of the DPoP proof, to tell its replay from that of a client assertion. */
  dpop_jti: string | null = null;
  /** A code that came with the address of the device page. */
  user_code: string | null = null;
  /** Ends the person's own session with the engine's. */
  on_logout: (() => Promise<void>) | null = null;
  /** What the handler of a page wants to know of how the engine ended. */
  wrong_user_code = false;

  constructor(parts: ScopeParts) {
    this.call = parts.call;
    this.person = parts.person;
    this.public_url = parts.public_url;
    this.certificate = parts.certificate;
    this.database = parts.database;
    this.#tx = new RequestTransaction(parts.database, parts.call);
  }

  /** For reading: the open transaction, or the pool. */
  get db(): Db {
    return this.#tx.current?.db ?? this.database.read;
  }

  /** One statement after the other, since the engine runs some side by side and a connection has one lane. */
  run<T>(act: (db: Db) => Promise<T>): Promise<T> {
    if (this.#tx.current === null) return act(this.database.read);
    return this.#line(() => act(this.db));
  }

  async write<T>(act: (tx: Transaction) => Promise<T>): Promise<T> {
    const tx = await this.#tx.begin();
    return await this.#line(() => act(tx));
  }

  end(commit: boolean): Promise<void> {
    return this.#tx.end(commit);
  }

  #line<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(act);
    this.#queue = turn.catch(() => {});
    return turn;
  }
}

const storage = new AsyncLocalStorage<RequestScope>();

export const inScope = <T>(scope: RequestScope, act: () => Promise<T>): Promise<T> => storage.run(scope, act);

export const currentScope = (): RequestScope => {
  const scope = storage.getStore();
  if (scope === undefined) throw new Error('The engine was called outside a request.');
  return scope;
};
