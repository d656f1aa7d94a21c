const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Controls other than a tab, and ends of lines that are not both of their bytes. */
const strayByte = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const badValue = /[^\t\x20-\x7e\x80-\xff]/;

/** Spellings seen so far: nearly all names of a request are those of the one before. */
const seen = new Map<string, string | null>();

/** A name in lower case; null when it is none. */
export const lowerName = (name: string): string | null => {
  const known = seen.get(name);
  if (known !== undefined) return known;
  const lower = token.test(name) ? name.toLowerCase() : null;
  if (seen.size < 2000 && name.length <= 100) seen.set(name, lower);
  return lower;
};

/** False when the bytes of a head, which ends with its last line, are not only what HTTP allows. */
export const hasOnlyFieldBytes = (head: string): boolean => !strayByte.test(head);

/** A value may be written into a head. */
export const isFieldValue = (value: string): boolean => !badValue.test(value);

const isBlank = (code: number): boolean => code === 32 || code === 9;

/**
 * Reads the lines from `at` on as fields, each ended by CRLF, and tells how many there were; -1 when one is no field.
 * `names` gets the names in lower case, one for each pair of `raw`.
 */
export const readFields = (head: string, at: number, raw: string[], names: string[]): number => {
  let count = 0;
  for (let from = at; from < head.length; count++) {
    const end = head.indexOf('\r\n', from);
    const colon = head.indexOf(':', from);
    if (colon === -1 || colon > end) return -1;
    const name = head.slice(from, colon);
    const lower = lowerName(name);
    if (lower === null) return -1;
    // What a tab does there, readers do not agree about.
    if ((lower === 'transfer-encoding' || lower === 'content-length') && head.slice(colon, end).includes('\t'))
      return -1;
    let [first, last] = [colon + 1, end];
    while (first < last && isBlank(head.charCodeAt(first))) first += 1;
    while (last > first && isBlank(head.charCodeAt(last - 1))) last -= 1;
    raw.push(name, head.slice(first, last));
    names.push(lower);
    from = end + 2;
  }
  return count;
};
