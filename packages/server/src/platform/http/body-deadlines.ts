import type { IncomingMessage } from 'node:http';

/**
 * Ends requests whose body does not arrive in time. The clock of Node would end proxied uploads as well, so only
 * requests of the product itself are put in here.
 */
export class BodyDeadlines {
  readonly #waiting = new Map<IncomingMessage, number>();
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout;

  constructor(deadline_ms: number, late: (request: IncomingMessage) => void) {
    this.#deadline = deadline_ms;
    this.#timer = setInterval(() => this.#sweep(late), Math.min(5000, deadline_ms / 4)).unref();
  }

  watch(request: IncomingMessage): void {
    const { headers } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
    this.#waiting.set(request, performance.now() + this.#deadline);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sweep(late: (request: IncomingMessage) => void): void {
    const now = performance.now();
    for (const [request, deadline] of this.#waiting) {
      const over = request.complete || request.destroyed;
      if (!over && deadline > now) continue;
      this.#waiting.delete(request);
      if (!over) late(request);
    }
  }
}
