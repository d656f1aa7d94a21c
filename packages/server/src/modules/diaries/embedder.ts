/** Length of the vectors that diaries are searched with. */
export const dimensions = 384;

/** `refused`: the model will never take this text; anything else may be tried again. */
export class EmbeddingError extends Error {
  readonly refused: boolean;
  constructor(message: string, options: { refused?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'EmbeddingError';
    this.refused = options.refused ?? false;
  }
}

/** Turns texts into vectors of length 1, one each, that lie close together when the texts mean the same. */
export interface Embedder {
  /** Vectors of different models are never compared. */
  readonly model: string;
  /** Throws EmbeddingError. `model` asks for a former one, which not every embedder still has. */
  embed(texts: readonly string[], kind: 'query' | 'passage', model?: string): Promise<Float32Array[]>;
  /** Why it will not embed anything until the server is started anew. */
  problem?(): string | null;
  close?(): Promise<void>;
}

/** Checked and brought to length 1: what a server answers is not to be trusted. */
export const normalised = (values: unknown): Float32Array => {
  if (!Array.isArray(values) || values.length !== dimensions)
    throw new EmbeddingError(`The model must answer ${dimensions} numbers for each text.`);
  let square = 0;
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new EmbeddingError('The model answered no numbers.');
    square += value * value;
  }
  if (square === 0) throw new EmbeddingError('The model answered a vector without direction.');
  const length = Math.sqrt(square);
  return Float32Array.from(values as number[], (value) => value / length);
};
