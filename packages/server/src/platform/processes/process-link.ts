import { randomUUID } from 'node:crypto';

/** A way to another process of this server, as the channel of `child_process` is one. */
export interface Channel {
  send(message: unknown): void;
  onMessage(hear: (message: unknown) => void): void;
}

type Handler = (topic: string, question: unknown) => unknown;

type Message =
  | { kind: 'question'; id: string; topic: string; question: unknown }
  | { kind: 'answer'; id: string; answer: unknown }
  | { kind: 'failure'; id: string; message: string };

interface Waiting {
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/** A process that is busy or on its way out must not hold up the page of the one that asks. */
const patienceMs = 2000;

const isMessage = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'kind' in message && 'id' in message;

/** Questions and answers over one channel, in both directions. */
export class ProcessLink {
  readonly #channel: Channel;
  readonly #handle: Handler;
  readonly #patience_ms: number;
  readonly #waiting = new Map<string, Waiting>();
  #closed = false;

  constructor(channel: Channel, handle: Handler, options: { patience_ms?: number } = {}) {
    this.#channel = channel;
    this.#handle = handle;
    this.#patience_ms = options.patience_ms ?? patienceMs;
    channel.onMessage((message) => {
      if (isMessage(message)) this.#hear(message);
    });
  }

  /** Rejects when the other side fails, is gone, or does not answer in time. */
  ask(topic: string, question: unknown): Promise<unknown> {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(id, new Error('no answer in time')), this.#patience_ms).unref();
      this.#waiting.set(id, { resolve, reject, timer });
      if (!this.#post({ kind: 'question', id, topic, question })) this.#fail(id, new Error('the process is gone'));
    });
  }

  /** What still waits for an answer gets none. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#waiting.keys()]) this.#fail(id, new Error('the process is gone'));
  }

  #hear(message: Message): void {
    if (message.kind === 'question') void this.#reply(message.id, message.topic, message.question);
    else if (message.kind === 'failure') this.#fail(message.id, new Error(message.message));
    else this.#take(message.id)?.resolve(message.answer);
  }

  async #reply(id: string, topic: string, question: unknown): Promise<void> {
    try {
      this.#post({ kind: 'answer', id, answer: await this.#handle(topic, question) });
    } catch (error) {
      this.#post({ kind: 'failure', id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #post(message: Message): boolean {
    if (this.#closed) return false;
    try {
      this.#channel.send(message);
      return true;
    } catch {
      // The channel went with the process at its other end.
      return false;
    }
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #fail(id: string, error: Error): void {
    this.#take(id)?.reject(error);
  }
}
