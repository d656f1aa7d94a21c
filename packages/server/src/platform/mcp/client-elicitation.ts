import {
  type ElicitRequestFormParams,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Elicit, ElicitAnswer, Elicitation } from '../operations/elicit.ts';

/** Seven days: the person's pace. A timer cannot be set for more than 24. */
const longestAnswer = 7 * 86_400_000;
const answerKey = 'answer';

const formOf = (question: Elicitation): ElicitRequestFormParams =>
  ({ message: question.message, requestedSchema: question.requested_schema }) as unknown as ElicitRequestFormParams;

const answerOf = (result: { action: string; content?: unknown }): ElicitAnswer =>
  result.action === 'accept'
    ? { action: 'accept', content: (result.content ?? {}) as Record<string, unknown> }
    : { action: result.action === 'decline' ? 'decline' : 'cancel' };

/** Asks a client that has a session, on the event stream of the very call. */
export const sessionElicit = (context: ServerContext, call: AbortSignal): Elicit => ({
  resumed: null,
  ask: async (question, signal) => {
    const options = {
      // Without the id the question would leave by the GET stream, which clients need not keep open.
      relatedRequestId: context.mcpReq.id,
      timeout: longestAnswer,
      signal: signal === undefined ? call : AbortSignal.any([call, signal]),
    };
    try {
      return answerOf(
        await context.mcpReq.send({ method: 'elicitation/create', params: { ...formOf(question) } }, options),
      );
    } catch {
      // A client that fails to ask is no reason to lose the question: it is still on the web.
      return { action: 'cancel' };
    }
  },
});

/** What a stateless client carries between the rounds of one call. */
export interface InputRounds {
  tool: string;
  state: Record<string, unknown> | null;
  answers: ElicitAnswer[];
}

/**
 * Asks a stateless client: the first question nobody answered yet becomes the result of the call, and the client
 * calls again with the answer. Earlier answers are given back in the order in which they were asked for.
 */
export class StatelessElicit implements Elicit {
  readonly resumed: Record<string, unknown> | null;
  /** Resolves with the result to send once a question has to go out. */
  readonly needed: Promise<InputRequiredResult>;
  readonly #answers: readonly ElicitAnswer[];
  #asked = 0;
  #send!: (result: Promise<InputRequiredResult>) => void;

  readonly #context: ServerContext;
  readonly #codec: RequestStateCodec<InputRounds>;
  readonly #tool: string;

  constructor(context: ServerContext, codec: RequestStateCodec<InputRounds>, tool: string) {
    this.#context = context;
    this.#codec = codec;
    this.#tool = tool;
    const rounds = context.mcpReq.requestState<InputRounds>();
    const fits = rounds !== undefined && rounds.tool === tool;
    const response = inputResponse(context.mcpReq.inputResponses, answerKey);
    this.resumed = fits ? rounds.state : null;
    this.#answers = [
      ...(fits ? rounds.answers : []),
      ...(fits && response.kind === 'elicit' ? [answerOf(response)] : []),
    ];
    this.needed = new Promise((resolve) => {
      this.#send = resolve;
    });
  }

  ask(question: Elicitation): Promise<ElicitAnswer> {
    const answer = this.#answers[this.#asked++];
    if (answer !== undefined) return Promise.resolve(answer);
    this.#send(this.#resultOf(question));
    return new Promise<never>(() => {});
  }

  async #resultOf(question: Elicitation): Promise<InputRequiredResult> {
    const rounds: InputRounds = {
      tool: this.#tool,
      state: question.state ?? this.resumed,
      answers: [...this.#answers],
    };
    return inputRequired({
      inputRequests: { [answerKey]: inputRequired.elicit(formOf(question)) },
      requestState: await this.#codec.mint(rounds, this.#context),
    });
  }
}
