import type { EventSink } from './event-sink.ts';

/** A topic of Kafka: `kafka://host:9092,other:9092/topic`. The key is the organisation, so its events share a partition. */
export const openKafkaSink = async (brokers: readonly string[], topic: string): Promise<EventSink> => {
  const { Producer, stringSerializers } = await import('@platformatic/kafka');
  const producer = new Producer({
    clientId: 'atrium',
    bootstrapBrokers: [...brokers],
    serializers: stringSerializers,
    // The broker numbers what this producer sends, and drops what a retry brings again.
    idempotent: true,
    acks: -1,
    retries: 1,
    timeout: 10_000,
    connectTimeout: 5000,
  });
  return {
    send: async (messages) => {
      await producer.send({
        messages: messages.map(({ id, key, kind, body }) => ({ topic, key, value: body, headers: { id, kind } })),
      });
    },
    close: () => producer.close(true),
  };
};
