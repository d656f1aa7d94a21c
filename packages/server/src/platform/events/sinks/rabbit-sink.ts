import type { EventSink } from './event-sink.ts';

/**
 * A topic exchange of RabbitMQ: `amqp://user:password@host:5672/vhost?exchange=atrium.events`. The routing key is the
 * kind, the message id stays the same when a message has to be sent again.
 */
export const openRabbitSink = async (url: URL): Promise<EventSink> => {
  const { connect } = await import('amqplib');
  const exchange = url.searchParams.get('exchange') ?? 'atrium.events';
  const address = new URL(url);
  address.search = '';
  const connection = await connect(address.href, { timeout: 5000 });
  connection.on('error', () => {});
  try {
    const channel = await connection.createConfirmChannel();
    let broken: Error | null = null;
    channel.on('error', (error) => {
      broken = error;
    });
    channel.on('close', () => {
      broken ??= new Error('RabbitMQ closed the channel.');
    });
    await channel.assertExchange(exchange, 'topic', { durable: true });
    return {
      send: async (messages) => {
        if (broken !== null) throw broken;
        const closed = Promise.withResolvers<never>();
        const end = () => closed.reject(broken ?? new Error('RabbitMQ closed the channel.'));
        channel.once('close', end);
        for (const { id, key, kind, body } of messages)
          channel.publish(exchange, kind, Buffer.from(body), {
            ...{ messageId: id, type: kind, persistent: true, contentType: 'application/json' },
            headers: { org_id: key },
          });
        try {
          await Promise.race([channel.waitForConfirms(), closed.promise]);
        } finally {
          channel.off('close', end);
        }
      },
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close().catch(() => {});
    throw error;
  }
};
