import { type Channel, ProcessLink } from './process-link.ts';

/**
 * The other processes that serve the address of this one. What each of them remembers by itself (its newest requests,
 * its counts) is gathered from all when somebody asks.
 */
export interface Siblings {
  /** How this process answers what others ask. */
  answer(topic: string, handler: (question: unknown) => unknown): void;
  /** One answer a process; those that are gone or too slow are left out. */
  ask(topic: string, question: unknown): Promise<unknown[]>;
}

const gathering = 'gather';

class Answers {
  readonly #handlers = new Map<string, (question: unknown) => unknown>();

  set(topic: string, handler: (question: unknown) => unknown): void {
    this.#handlers.set(topic, handler);
  }

  /** Throws for a topic that this process knows nothing of: it may still be starting. */
  of(topic: string, question: unknown): unknown {
    const handler = this.#handlers.get(topic);
    if (handler === undefined) throw new Error(`nothing is known of ${topic}`);
    return handler(question);
  }
}

const fulfilled = async (answers: readonly Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(answers)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

/** For a server of one process. */
export const alone: Siblings = { answer: () => {}, ask: async () => [] };

/** The first process: it knows all others and hands questions round. */
export class FirstProcess implements Siblings {
  readonly #answers = new Answers();
  readonly #links = new Set<ProcessLink>();

  answer(topic: string, handler: (question: unknown) => unknown): void {
    this.#answers.set(topic, handler);
  }

  ask(topic: string, question: unknown): Promise<unknown[]> {
    return this.#askAll(topic, question, null);
  }

  /** Takes a further process in; the answer takes it out again. */
  join(channel: Channel): () => void {
    const link: ProcessLink = new ProcessLink(channel, (topic, question) => {
      if (topic !== gathering) return this.#answers.of(topic, question);
      const inner = question as { topic: string; question: unknown };
      return this.#gather(inner.topic, inner.question, link);
    });
    this.#links.add(link);
    return () => {
      this.#links.delete(link);
      link.close();
    };
  }

  async #gather(topic: string, question: unknown, asker: ProcessLink): Promise<unknown[]> {
    const own = Promise.resolve().then(() => this.#answers.of(topic, question));
    const [mine, others] = await Promise.all([fulfilled([own]), this.#askAll(topic, question, asker)]);
    return [...mine, ...others];
  }

  #askAll(topic: string, question: unknown, except: ProcessLink | null): Promise<unknown[]> {
    const links = [...this.#links].filter((link) => link !== except);
    return fulfilled(links.map((link) => link.ask(topic, question)));
  }
}

/** Any other process: it knows the first one, which asks the rest. */
export const joinFirst = (channel: Channel): Siblings => {
  const answers = new Answers();
  const link = new ProcessLink(channel, (topic, question) => answers.of(topic, question), { patience_ms: 4000 });
  return {
    answer: (topic, handler) => answers.set(topic, handler),
    ask: async (topic, question) => {
      const gathered = await link.ask(gathering, { topic, question }).catch(() => []);
      return Array.isArray(gathered) ? gathered : [];
    },
  };
};
