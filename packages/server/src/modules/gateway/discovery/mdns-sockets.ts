import { networkInterfaces } from 'node:os';
import type { MulticastDNS } from 'multicast-dns';
import type { MdnsRecord } from './mdns-records.ts';

const standardPort = 5353;
const questionsOfPacket = 20;

export const localAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.find(({ family }) => family === 'IPv4')?.address ?? [],
  );

type Open = (options: object) => MulticastDNS;

export interface MdnsHandlers {
  heard: (records: readonly MdnsRecord[], from: string) => void;
  /** Somebody asks; the answers are for the network of this address of ours. Absent where nothing is announced. */
  asked?: (questions: readonly MdnsQuestion[], address: string) => MdnsAnswer | null;
}
export interface MdnsQuestion {
  name: string;
  type: string;
}
export interface MdnsAnswer {
  answers: readonly MdnsRecord[];
  additionals: readonly MdnsRecord[];
}

/** One socket for each network of this machine: a question or an answer has to leave by each of them. */
class MdnsSockets {
  readonly #open: Open;
  readonly #port: number;
  readonly #handlers: MdnsHandlers;
  readonly #sockets = new Map<string, MulticastDNS>();
  lastError: Error | null = null;

  constructor(open: Open, port: number, handlers: MdnsHandlers) {
    this.#open = open;
    this.#port = port;
    this.#handlers = handlers;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Networks come and go. */
  keepTo(addresses: readonly string[]): void {
    for (const [address, socket] of this.#sockets)
      if (!addresses.includes(address)) {
        this.#sockets.delete(address);
        socket.destroy();
      }
    for (const address of addresses) if (!this.#sockets.has(address)) this.#add(address);
  }

  #add(address: string): void {
    const socket = this.#open({ interface: address, bind: '0.0.0.0', port: this.#port, reuseAddr: true });
    this.#sockets.set(address, socket);
    socket.on('response', ({ answers, additionals }, { address: from }) =>
      this.#handlers.heard([...(answers ?? []), ...(additionals ?? [])] as MdnsRecord[], from),
    );
    socket.on('query', ({ questions }) => {
      const answer = this.#handlers.asked?.(questions ?? [], address) ?? null;
      if (answer !== null) socket.respond(answer as never);
    });
    const lost = (error: Error): void => {
      this.lastError = error;
      if (this.#sockets.delete(address)) socket.destroy();
    };
    socket.on('error', lost);
    // What somebody sent and nobody can read is no failure of ours; a network without multicast is one.
    socket.on('warning', (error: Error & { syscall?: string }) => {
      if (error.syscall !== undefined) this.lastError = error;
    });
  }

  ask(questions: readonly { name: string; type: string }[]): void {
    for (let at = 0; at < questions.length; at += questionsOfPacket) {
      const some = questions.slice(at, at + questionsOfPacket);
      for (const socket of this.#sockets.values()) socket.query({ questions: some } as never);
    }
  }

  /** Says something without being asked. Resolves when it has left. */
  async tell(answerOf: (address: string) => MdnsAnswer | null): Promise<void> {
    await Promise.all(
      [...this.#sockets].map(([address, socket]) => {
        const answer = answerOf(address);
        // A network that is gone hears nothing; that is no reason to wait.
        return answer === null ? null : new Promise<void>((sent) => socket.respond(answer as never, () => sent()));
      }),
    );
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }
}

export type { MdnsSockets };

/** `port`: other than the one of the standard, in tests. */
export const openMdns = async (port: number | undefined, handlers: MdnsHandlers): Promise<MdnsSockets> => {
  const { default: open } = (await import('multicast-dns')) as unknown as { default: Open };
  return new MdnsSockets(open, port ?? standardPort, handlers);
};
