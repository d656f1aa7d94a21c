import { type AnswerOf, type AskOptions, ask } from './ask.ts';
import { type ClientOptions, type Operations, operationsOf, Transport } from './client.ts';

export interface Atrium extends Operations {
  transport: Transport;
  ask: <Schema>(options: AskOptions<Schema>) => Promise<AnswerOf<Schema>>;
}

/** A client for one server and one credential. */
export const createAtrium = (options: ClientOptions): Atrium => {
  const transport = new Transport(options);
  return Object.assign(operationsOf(transport), {
    transport,
    ask: <Schema>(input: AskOptions<Schema>) => ask(transport, input),
  });
};
