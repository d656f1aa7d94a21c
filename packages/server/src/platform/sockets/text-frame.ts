const textFrame = 0x81;

/** A text as one whole, unmasked frame of a server (RFC 6455, section 5.2). */
const makeFrame = (text: Buffer): Buffer => {
  const { length } = text;
  if (length < 126) return Buffer.concat([Buffer.of(textFrame, length), text]);
  if (length < 65_536) {
    const header = Buffer.of(textFrame, 126, 0, 0);
    header.writeUInt16BE(length, 2);
    return Buffer.concat([header, text]);
  }
  const header = Buffer.of(textFrame, 127, 0, 0, 0, 0, 0, 0, 0, 0);
  header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, text]);
};

const made = new WeakMap<Buffer, Buffer>();

/** The frame of a text; made once for all sockets that get the same buffer. */
export const frameOf = (text: Buffer): Buffer => {
  let frame = made.get(text);
  if (frame === undefined) {
    frame = makeFrame(text);
    made.set(text, frame);
  }
  return frame;
};
