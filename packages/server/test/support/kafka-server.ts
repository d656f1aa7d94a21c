import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** One record as a consumer would read it. */
export interface KafkaRecord {
  topic: string;
  partition: number;
  key: string;
  value: string;
  headers: Record<string, string>;
}

export interface TestKafka {
  port: number;
  records: readonly KafkaRecord[];
  /** Takes a batch and goes away without an answer, as a broker that crashes after its write. */
  swallowNextAnswer(): void;
  stop(): Promise<void>;
}

const partitions = 3;
const keys = { produce: 0, metadata: 3, apiVersions: 18, initProducerId: 22 } as const;
/** The one version of each request that is spoken here; all have the flexible encoding (KIP-482). */
const versions: Record<number, number> = {
  [keys.produce]: 9,
  [keys.metadata]: 12,
  [keys.apiVersions]: 3,
  [keys.initProducerId]: 4,
};

class Reader {
  #at = 0;
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  int8(): number {
    return this.take(1).readInt8();
  }
  int16(): number {
    return this.take(2).readInt16BE();
  }
  int32(): number {
    return this.take(4).readInt32BE();
  }
  int64(): bigint {
    return this.take(8).readBigInt64BE();
  }
  take(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }
  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1).readUInt8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  /** Signed, in zigzag. */
  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  compactText(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.take(length).toString();
  }
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }
  array<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.uvarint() - 1) }, item);
  }
}

const int = (bytes: number, value: number | bigint): Buffer => {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value));
  else buffer.writeIntBE(Number(value), 0, bytes);
  return buffer;
};
const uvarint = (value: number): Buffer => {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
    if (left < 128) return Buffer.from(bytes);
  }
};
const compactText = (text: string | null): Buffer =>
  text === null ? uvarint(0) : Buffer.concat([uvarint(Buffer.byteLength(text) + 1), Buffer.from(text)]);
const array = (items: readonly Buffer[]): Buffer => Buffer.concat([uvarint(items.length + 1), ...items]);
const noTags = uvarint(0);

/** A record batch of the current form (magic 2), uncompressed. */
const readBatch = (bytes: Buffer) => {
  const reader = new Reader(bytes);
  reader.take(8 + 4 + 4);
  if (reader.int8() !== 2) throw new Error('Only record batches of magic 2 are known here.');
  reader.take(4 + 2 + 4 + 8 + 8);
  const producer = `${reader.int64()}:${reader.int16()}`;
  const sequence = reader.int32();
  const records = Array.from({ length: reader.int32() }, () => {
    reader.varint();
    reader.int8();
    reader.varint();
    reader.varint();
    const text = () => reader.take(Math.max(0, reader.varint())).toString();
    const [key, value] = [text(), text()];
    const headers = Object.fromEntries(Array.from({ length: reader.varint() }, () => [text(), text()]));
    return { key, value, headers };
  });
  return { producer, sequence, records };
};

/** A broker that speaks as much of Kafka's protocol as a producer needs, and drops the repeats of an idempotent one. */
export const startKafka = async (at = 0): Promise<TestKafka> => {
  const records: KafkaRecord[] = [];
  const seen = new Set<string>();
  const sockets = new Set<Socket>();
  let producers = 0n;
  let swallow = false;
  let port = 0;

  const metadata = (reader: Reader): Buffer => {
    const names = reader.array(() => {
      reader.take(16);
      const name = reader.compactText();
      reader.tags();
      return name ?? '';
    });
    const broker = Buffer.concat([int(4, 1), compactText('127.0.0.1'), int(4, port), compactText(null), noTags]);
    const ids = array([int(4, 1)]);
    const partition = (index: number) =>
      Buffer.concat([int(2, 0), int(4, index), int(4, 1), int(4, 0), ids, ids, array([]), noTags]);
    const topic = (name: string) =>
      Buffer.concat([
        ...[int(2, 0), compactText(name), Buffer.alloc(16, 1), int(1, 0)],
        array(Array.from({ length: partitions }, (_, index) => partition(index))),
        ...[int(4, -2147483648), noTags],
      ]);
    return Buffer.concat([int(4, 0), array([broker]), compactText('test'), int(4, 1), array(names.map(topic)), noTags]);
  };

  const produce = (reader: Reader): Buffer => {
    reader.compactText();
    reader.int16();
    reader.int32();
    const topics = reader.array(() => {
      const topic = reader.compactText()!;
      const written = reader.array(() => {
        const partition = reader.int32();
        const batch = readBatch(reader.take(reader.uvarint() - 1));
        reader.tags();
        const name = `${batch.producer}:${topic}:${partition}:${batch.sequence}`;
        if (!seen.has(name)) for (const record of batch.records) records.push({ topic, partition, ...record });
        seen.add(name);
        return partition;
      });
      reader.tags();
      return { topic, written };
    });
    const answers = topics.map(({ topic, written }) =>
      Buffer.concat([
        compactText(topic),
        array(
          written.map((partition) =>
            Buffer.concat([
              ...[int(4, partition), int(2, 0), int(8, 0), int(8, -1), int(8, 0)],
              ...[array([]), compactText(null), noTags],
            ]),
          ),
        ),
        noTags,
      ]),
    );
    return Buffer.concat([array(answers), int(4, 0), noTags]);
  };

  const answer = (frame: Buffer): Buffer | null => {
    const reader = new Reader(frame);
    const [key, version, correlation] = [reader.int16(), reader.int16(), reader.int32()];
    reader.take(Math.max(0, reader.int16()));
    reader.tags();
    if (versions[key] !== version) throw new Error(`request ${key} in version ${version} is not spoken here`);
    if (key === keys.apiVersions) {
      const known = Object.entries(versions).map(([api, v]) =>
        Buffer.concat([int(2, Number(api)), int(2, v), int(2, v), noTags]),
      );
      return Buffer.concat([int(4, correlation), int(2, 0), array(known), int(4, 0), noTags]);
    }
    const header = Buffer.concat([int(4, correlation), noTags]);
    if (key === keys.metadata) return Buffer.concat([header, metadata(reader)]);
    if (key === keys.initProducerId)
      return Buffer.concat([header, int(4, 0), int(2, 0), int(8, ++producers), int(2, 0), noTags]);
    const body = produce(reader);
    if (swallow) {
      swallow = false;
      return null;
    }
    return Buffer.concat([header, body]);
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const length = rest.readInt32BE(0);
        const said = answer(rest.subarray(4, 4 + length));
        rest = rest.subarray(4 + length);
        if (said === null) socket.destroy();
        else socket.write(Buffer.concat([int(4, said.length), said]));
      }
    });
  });
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as { port: number });
  return {
    port,
    records,
    swallowNextAnswer: () => {
      swallow = true;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
