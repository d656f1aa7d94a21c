import type { EventSink } from './event-sink.ts';

const hourNs = 60 * 60 * 1_000_000_000;

/**
 * A stream of JetStream: `nats://host:4222?stream=ATRIUM&subject=atrium.events`. Each event goes to
 * `<subject>.<kind>`; the server drops repeats of an id for an hour.
 */
export const openNatsSink = async (url: URL): Promise<EventSink> => {
  const [{ connect }, { jetstream, jetstreamManager }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ]);
  const stream = url.searchParams.get('stream') ?? 'ATRIUM';
  const subject = url.searchParams.get('subject') ?? 'atrium.events';
  const connection = await connect({
    servers: url.host,
    ...(url.username === '' ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { pass: decodeURIComponent(url.password) }),
    ...(url.protocol === 'tls:' ? { tls: {} } : {}),
    name: 'atrium',
    reconnect: false,
    timeout: 5000,
  });
  try {
    const manager = await jetstreamManager(connection);
    const known = await manager.streams.info(stream).catch(() => null);
    if (known === null)
      await manager.streams.add({ name: stream, subjects: [`${subject}.>`], duplicate_window: hourNs });
    const publisher = jetstream(connection);
    return {
      // One connection keeps what is written to it in order, so there is no need to wait between two.
      send: async (messages) => {
        await Promise.all(
          messages.map(({ id, kind, body }) =>
            publisher.publish(`${subject}.${kind}`, body, { msgID: id, timeout: 10_000 }),
          ),
        );
      },
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
};
