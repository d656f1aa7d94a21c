/** As many first bytes as decide what a file is. */
export const headBytes = 4100;

const html = 'text/html';
const svg = 'image/svg+xml';
const xhtml = 'application/xhtml+xml';
const xml = 'application/xml';

/** Types that a browser may run something of, however they are named. */
const runnable: ReadonlySet<string> = new Set([html, svg, xhtml, xml]);

/** Raster images, sound, film and plain text: a browser shows them and runs nothing in them. PDF is not among them. */
const showable = /^(?:image\/(?:png|jpeg|gif|webp|avif)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain; charset=utf-8)$/;

export const plainText = 'text/plain; charset=utf-8';

/** Text as a browser would read it: by its byte order mark, else byte by byte, which keeps every ASCII tag. */
const decoded = (head: Buffer): string => {
  if (head.length >= 2 && head[0] === 0xff && head[1] === 0xfe) return head.toString('utf16le');
  if (head.length >= 2 && head[0] === 0xfe && head[1] === 0xff) {
    return Buffer.from(head.subarray(0, head.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  return head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
};

/** The tags of the WHATWG MIME sniffing standard (7.1), and what else makes a page of a text that begins with a tag. */
const beginsPage =
  /^(?:<!doctype html|<(?:html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|meta|link|img|object|embed|form|base|frameset|video|audio|input|svg)(?=[\s/>])|<!--)/i;

/** HTML, SVG or other XML, told from the text; null when it does not begin as markup. */
const markupOf = (head: Buffer): string | null => {
  const text = decoded(head)
    .replaceAll('\u0000', '')
    .replace(/^[\ufeff\s]+/, '');
  if (!text.startsWith('<')) return null;
  if (/<(?:\w+:)?svg[\s/>]/i.test(text)) return svg;
  if (/www\.w3\.org\/1999\/xhtml/i.test(text)) return xhtml;
  if (beginsPage.test(text) || /<(?:html|script|iframe|body)[\s/>]/i.test(text)) return html;
  return text.startsWith('<?xml') || text.startsWith('<!') ? xml : null;
};

/** The head may end within a character, so its last three bytes are forgiven. */
const isText = (head: Buffer, whole: boolean): boolean => {
  if (head.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte))) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !whole });
    return true;
  } catch {
    return false;
  }
};

/** The type by the bytes alone; neither the name nor what the client says counts. */
export const sniffMime = async (head: Buffer, whole: boolean): Promise<string> => {
  // Its parsers are loaded with the first file.
  const { fileTypeFromBuffer } = await import('file-type');
  const known = await fileTypeFromBuffer(head);
  if (known !== undefined && !/^(?:text|application)\/(?:xml|html|xhtml\+xml)$|svg/.test(known.mime)) return known.mime;
  const markup = markupOf(head);
  if (markup !== null) return markup;
  if (known !== undefined) return xml;
  return isText(head, whole) ? plainText : 'application/octet-stream';
};

/** What names promise: whoever opens the file relies on it. */
const promised: readonly [extensions: RegExp, keeps: (mime: string) => boolean][] = [
  [/\.(?:png|jpe?g|jfif|gif|webp|avif|bmp|ico|tiff?|heic|heif)$/i, (mime) => mime.startsWith('image/') && mime !== svg],
  [/\.svgz?$/i, (mime) => mime === svg || mime === 'application/gzip'],
  [/\.pdf$/i, (mime) => mime === 'application/pdf'],
  [/\.(?:mp3|wav|flac|m4a|aac|opus)$/i, (mime) => /^(?:audio|video)\//.test(mime)],
  [/\.(?:mp4|webm|mov|mkv|avi|m4v)$/i, (mime) => /^(?:audio|video)\//.test(mime)],
  [/\.(?:zip|docx|xlsx|pptx|odt|ods|odp|epub|jar)$/i, (mime) => mime.startsWith('application/') && !runnable.has(mime)],
  [/\.(?:gz|tgz|bz2|xz|zst|7z|rar|tar|exe|dll|bin)$/i, (mime) => !runnable.has(mime)],
];

/** A name that hides what the bytes are, such as a page called x.png. */
export const nameLies = (name: string, mime: string): boolean =>
  promised.some(([extensions, keeps]) => extensions.test(name) && !keeps(mime));

export const mayBeShown = (mime: string): boolean => showable.test(mime);

/** The type a file is sent with. What a browser could run travels as bytes without a meaning. */
export const servedMime = (mime: string): string => (runnable.has(mime) ? 'application/octet-stream' : mime);

const longestName = 200;

/** A name without folders, control and direction characters, fit for any file system. */
export const safeFileName = (name: string | null): string => {
  const base = (name ?? '').toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = base
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/g, '')
    .replaceAll(/[<>:"|?*]/g, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  if (clean === '') return 'file';
  const characters = [...clean];
  if (characters.length <= longestName) return clean;
  const extension = /\.[\p{L}\p{N}]{1,10}$/u.exec(clean)?.[0] ?? '';
  return characters.slice(0, longestName - extension.length).join('') + extension;
};
