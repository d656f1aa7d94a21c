import type { Secret } from '../../config/secret.ts';
import type { SinkAddress } from './event-sink.ts';

const brokersOf = (text: string): { brokers: string[]; topic: string } => {
  const [, hosts = '', topic = ''] = /^kafka:\/\/([^/]+)\/?(.*)$/.exec(text) ?? [];
  return { brokers: hosts.split(','), topic: topic === '' ? 'atrium-events' : topic };
};

/** Where a setting leads; the code and the library of a broker are loaded when its sink is opened. */
export const sinkAddress = (address: Secret): SinkAddress => {
  const text = address.reveal();
  if (text.startsWith('kafka:')) {
    const { brokers, topic } = brokersOf(text);
    return {
      name: `kafka://${brokers.join(',')}/${topic}`,
      open: async () => (await import('./kafka-sink.ts')).openKafkaSink(brokers, topic),
    };
  }
  const url = new URL(text);
  const name = `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  switch (url.protocol) {
    case 'nats:':
    case 'tls:':
      return { name, open: async () => (await import('./nats-sink.ts')).openNatsSink(url) };
    case 'amqp:':
    case 'amqps:':
      return { name, open: async () => (await import('./rabbit-sink.ts')).openRabbitSink(url) };
    default:
      return { name, open: async () => (await import('./redis-sink.ts')).openRedisSink(url) };
  }
};
