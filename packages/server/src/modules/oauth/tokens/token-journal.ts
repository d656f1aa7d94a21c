import type { Database } from '../../../platform/db/database.ts';
import { anonymousCaller } from '../../../platform/http/anonymous-caller.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { type AccessTokenDraft, accessTokensStore } from '../stores/access-tokens-store.ts';

const mostTogether = 100;
/** How many may come to wait before they get a transaction beside the one that runs. */
const enough = 16;
const mostRunning = 4;

interface Waiting {
  token: AccessTokenDraft;
  done: () => void;
  fail: (error: unknown) => void;
}

/**
 * Rows and events of tokens that belong to no other change. Whoever comes while a transaction runs is written by the
 * next one together with the others; nobody is answered before the own row is committed. Under load a few transactions
 * overlap, since with a single one all clients would wait, and come again, in step.
 */
export class TokenJournal {
  readonly #database: Database;
  #waiting: Waiting[] = [];
  #running = 0;
  #starting = false;

  constructor(database: Database) {
    this.#database = database;
  }

  write(token: AccessTokenDraft): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ token, done: resolve, fail: reject });
    this.#proceed();
    return promise;
  }

  #proceed(): void {
    const waiting = this.#waiting.length;
    if (waiting === 0 || this.#starting || this.#running >= mostRunning) return;
    if (this.#running > 0 && waiting < enough) return;
    this.#starting = true;
    // Requests that are being read at this moment come along.
    setImmediate(() => {
      this.#starting = false;
      void this.#run(this.#waiting.splice(0, mostTogether));
      this.#proceed();
    });
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    this.#running += 1;
    await this.#writeTogether(batch);
    this.#running -= 1;
    this.#proceed();
  }

  async #writeTogether(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#commit(batch.map(({ token }) => token));
      for (const { done } of batch) done();
    } catch (error) {
      // The fault of one, such as an organisation that was just erased, is not the fault of the others.
      if (batch.length > 1) for (const one of batch) await this.#writeTogether([one]);
      else batch[0]!.fail(error);
    }
  }

  async #commit(tokens: readonly AccessTokenDraft[]): Promise<void> {
    await this.#database.append(
      internalCall(anonymousCaller, newId()),
      accessTokensStore.insertOf(tokens),
      tokens.map(({ id, org_id, client_id, subject, scopes, resource }) => ({
        kind: oauthEvents.tokenIssued,
        id,
        org_id: org_id ?? nilId,
        body: { client_id, subject, scopes, resource },
      })),
    );
  }
}
