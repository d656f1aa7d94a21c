/** A result of a tool as it leaves this server. */
export interface ToolResult {
  content: Record<string, unknown>[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

export interface LimitedResult {
  result: ToolResult;
  bytes: number;
  cut: boolean;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

const note = (text: string): Record<string, unknown> => ({ type: 'text', text: `[Atrium: ${text}]` });

/** The beginning of a text within so many bytes, without half of a character at its end. */
const beginning = (text: string, bytes: number): string => {
  const kept = Buffer.from(text).subarray(0, Math.max(0, bytes)).toString('utf8');
  return kept.replace(/\uFFFD$/, '');
};

/**
 * Keeps blocks in their order as long as there is room, the beginning of the text that does not fit, and says what was
 * left out. Structured content is kept whole or not at all: half of it would be something else, so that a result that
 * lost it is an error for whoever reads it by a schema.
 */
export const limitResult = (result: ToolResult, limit: number): LimitedResult => {
  const bytes = bytesOf(result);
  if (bytes <= limit) return { result, bytes, cut: false };
  const kept: Record<string, unknown>[] = [];
  let room = limit;
  let dropped = 0;
  for (const block of result.content) {
    const size = bytesOf(block);
    if (size <= room && dropped === 0) {
      kept.push(block);
      room -= size;
      continue;
    }
    if (dropped === 0 && block['type'] === 'text' && typeof block['text'] === 'string' && room > 256)
      // A character can take six bytes as JSON.
      kept.push({
        ...block,
        text: beginning(block['text'], Math.floor(room / (size / Buffer.byteLength(block['text']))) - 64),
      });
    dropped += 1;
  }
  const lost = result.structuredContent === undefined ? '' : ' Its structured content was left out.';
  kept.push(note(`The result had ${bytes} bytes and was cut to the limit of ${limit}.${lost}`));
  return {
    result: {
      content: kept,
      ...(result.isError === true || result.structuredContent !== undefined ? { isError: true } : {}),
      _meta: { 'atrium/cut': { bytes, limit } },
    },
    bytes,
    cut: true,
  };
};
