/** What the first bytes of a connection say of the name that is asked for, without opening anything. */
export type ClientHello =
  /** It is not here as a whole. */
  | { kind: 'more' }
  /** Not TLS. */
  | { kind: 'other' }
  /** `name` is null when the client names nobody. */
  | { kind: 'hello'; name: string | null };

const handshakeRecord = 22;
const clientHello = 1;
const longestRecord = 16 * 1024;
/** Keys that withstand quantum computers made them longer; none is near this. */
const longestHello = 64 * 1024;
const hostName = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** The message of the handshake, put together from the records that it was cut into (RFC 8446, 5.1). */
const messageOf = (bytes: Buffer): Buffer | 'more' | 'other' => {
  const parts: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || (bytes.length > at + 1 && bytes[at + 1] !== 3)) return 'other';
    if (bytes.length < at + 5) return 'more';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > longestRecord) return 'other';
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    size += parts.at(-1)!.length;
    const message = parts.length === 1 ? parts[0]! : Buffer.concat(parts, size);
    if (message.length > 0 && message[0] !== clientHello) return 'other';
    if (message.length >= 4) {
      const whole = 4 + message.readUIntBE(1, 3);
      if (whole > longestHello) return 'other';
      if (message.length >= whole) return message.subarray(4, whole);
    }
    at += 5 + length;
  }
  return 'more';
};

/** Steps through fields that say their own length; null once they contradict each other. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer | null {
    if (this.left < length) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(size: 1 | 2): number | null {
    return this.take(size)?.readUIntBE(0, size) ?? null;
  }

  /** With its length before it. */
  vector(size: 1 | 2): Buffer | null {
    const length = this.number(size);
    return length === null ? null : this.take(length);
  }
}

const nameIn = (extension: Buffer): string | null => {
  const list = new Fields(extension).vector(2);
  if (list === null) return null;
  const names = new Fields(list);
  while (names.left > 0) {
    const kind = names.number(1);
    const value = names.vector(2);
    if (kind === null || value === null) return null;
    if (kind !== 0) continue;
    const name = value.toString('latin1').toLowerCase().replace(/\.$/, '');
    return hostName.test(name) ? name : null;
  }
  return null;
};

export const readClientHello = (bytes: Buffer): ClientHello => {
  const message = messageOf(bytes);
  if (message === 'more' || message === 'other') return { kind: message };
  const fields = new Fields(message);
  // Version and random number; then session, suites and compressions.
  if (fields.take(34) === null) return { kind: 'other' };
  if (fields.vector(1) === null || fields.vector(2) === null || fields.vector(1) === null) return { kind: 'other' };
  const extensions = new Fields(fields.vector(2) ?? Buffer.alloc(0));
  while (extensions.left > 0) {
    const kind = extensions.number(2);
    const value = extensions.vector(2);
    if (kind === null || value === null) return { kind: 'other' };
    if (kind === 0) return { kind: 'hello', name: nameIn(value) };
  }
  return { kind: 'hello', name: null };
};
