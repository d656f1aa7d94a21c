import type { ServerResponse } from 'node:http';

/** A reader this far behind is cut off; it comes back and asks again. */
const mostBuffered = 8 * 1024 * 1024;

export const eventStreamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // nginx would otherwise hold small events back.
  'x-accel-buffering': 'no',
} as const;

/** One open server-sent event stream with its keep-alive comment. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  #open = true;

  constructor(response: ServerResponse, headers: Record<string, string>, keepAlive: number) {
    this.#response = response;
    response.writeHead(200, { ...headers, ...eventStreamHeaders });
    response.flushHeaders();
    this.#timer = setInterval(() => this.#write(': keep-alive\n\n'), keepAlive);
    this.#timer.unref();
    response.once('close', () => this.#stop());
  }

  get open(): boolean {
    return this.#open;
  }

  send(message: unknown): void {
    this.#write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  end(): void {
    if (!this.#open) return;
    this.#stop();
    this.#response.end();
  }

  #write(frame: string): void {
    if (!this.#open) return;
    this.#response.write(frame);
    if (this.#response.writableLength > mostBuffered) this.#response.destroy();
  }

  #stop(): void {
    this.#open = false;
    clearInterval(this.#timer);
  }
}
