import type { ServerContext } from '@modelcontextprotocol/server';
import type { Call } from '../operations/call.ts';

/** The protocol wants every note to be greater than the one before; a repeated or falling figure moves by this much. */
const step = 0.001;

/**
 * Progress notes of one call. While the handler is silent the last note is repeated, because clients that give a tool
 * 60 seconds start counting anew with each.
 */
export class CallProgress {
  readonly #context: ServerContext;
  readonly #timer: NodeJS.Timeout | null = null;
  #last = 0;
  #note: { total?: number; message?: string } = {};
  #spoke = false;

  constructor(context: ServerContext, every: number) {
    this.#context = context;
    if (context.mcpReq._meta?.progressToken === undefined) return;
    this.#timer = setInterval(() => {
      if (!this.#spoke) this.#send(this.#last + step);
      this.#spoke = false;
    }, every);
    this.#timer.unref();
  }

  readonly report: Call['progress'] = ({ progress, ...note }) => {
    if (this.#timer === null) return;
    this.#note = note;
    this.#spoke = true;
    this.#send(progress);
  };

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #send(progress: number): void {
    this.#last = progress > this.#last ? progress : this.#last + step;
    const params = { progressToken: this.#context.mcpReq._meta!.progressToken!, progress: this.#last, ...this.#note };
    // A note that finds its stream closed is no loss: the call's signal tells the handler.
    this.#context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  }
}
