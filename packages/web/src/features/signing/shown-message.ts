/** A run of a message: text as it stands, or a character that a reader would not see, by its code point. */
export interface MessagePart {
  text: string;
  hidden: boolean;
}

/** Control and format characters, such as those that turn the direction of what follows; joiners inside emoji are seen. */
const unseen = /(?<!\p{Extended_Pictographic}\u{FE0F}?)\u{200D}|(?![\n\t\u{200D}])[\p{Cc}\p{Cf}\u{2028}\u{2029}]/u;

/** Splits a message so that everything that is signed is also seen. */
export const partsOfMessage = (message: string): MessagePart[] => {
  const parts: MessagePart[] = [];
  for (const piece of message.split(new RegExp(`(${unseen.source})`, 'u'))) {
    if (piece === '') continue;
    const code = piece.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    const hidden = new RegExp(`^(?:${unseen.source})$`, 'u').test(piece);
    parts.push({ text: hidden ? `U+${code}` : piece, hidden });
  }
  return parts;
};
