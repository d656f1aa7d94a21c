/** A question put to the person in front of the client, in the elicitation subset of JSON Schema (one flat object). */
export interface Elicitation {
  message: string;
  requested_schema: Record<string, unknown>;
  /** Ids that lead back to what the question is about; a stateless client carries them, signed, until it returns. */
  state?: Record<string, unknown>;
}

export type ElicitAnswer =
  | { action: 'accept'; content: Record<string, unknown> }
  /** `decline`: the person said no here. `cancel`: the form was closed, the client failed, or `signal` aborted. */
  | { action: 'decline' | 'cancel' };

/**
 * Asking in the client itself, beside the web. A handler that waits goes on with whichever answer comes first:
 *
 * 1. `resumed` is null: create the item, call `ask` with `state: {item_id}`, and wait for both sides.
 * 2. Clients with a session answer `ask` in place; abort `signal` when the web was first, and their form closes.
 * 3. Stateless clients get the question as the result of the call: `ask` then never resolves and `call.signal` aborts,
 *    which ends the wait as a dropped connection does. They come back with a new call of the same arguments, where
 *    `resumed` is the `state`: find the item instead of creating one. If it was closed meanwhile, say so and return;
 *    else call `ask` again, which gives the person's answer at once.
 *
 * `decline` and `cancel` do not close the item: the person may still answer on the web. `ask` never rejects, and its
 * content is what a client sent: validate it like any answer.
 */
export interface Elicit {
  resumed: Record<string, unknown> | null;
  ask: (question: Elicitation, signal?: AbortSignal) => Promise<ElicitAnswer>;
}
