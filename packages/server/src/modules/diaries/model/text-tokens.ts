import { Tokenizer } from '@huggingface/tokenizers';

type Json = Readonly<Record<string, unknown>>;

/** Ids of the tokens of a text, with those that the model wants around it. */
export type Tokenize = (text: string) => number[];

/** What nearly every model of this size reads. */
const usual = 512;
/** Models that count positions from behind the id of their padding. */
const counted = ['roberta', 'xlm-roberta', 'camembert', 'mpnet'];

/** How many tokens the model reads, by what its files say; some say 10^30. */
export const mostTokens = (tokenizerConfig: Json, config: Json): number => {
  const { max_position_embeddings, pad_token_id, model_type } = config;
  const lost = counted.includes(String(model_type)) ? Number(pad_token_id ?? 1) + 1 : 0;
  const said = [Number(tokenizerConfig['model_max_length']), Number(max_position_embeddings) - lost];
  const believed = said.filter((most) => Number.isInteger(most) && most > 2 && most <= 100_000);
  return believed.length === 0 ? usual : Math.min(...believed);
};

const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0;

/**
 * The id that fills up the shorter texts of a batch. The tokenizer's files come first: what they call padding is what
 * the model was trained with, while config.json of a converted model often lacks it.
 */
export const paddingOf = (tokenizerFile: Json, tokenizerConfig: Json, config: Json): number => {
  const { padding, added_tokens } = tokenizerFile as { padding?: Json | null; added_tokens?: readonly Json[] };
  const { pad_token } = tokenizerConfig as { pad_token?: string | Json | null };
  const name = typeof pad_token === 'string' ? pad_token : pad_token?.['content'];
  const added = added_tokens?.find(({ content }) => name !== undefined && content === name);
  const said = [padding?.['pad_id'], added?.['id'], config['pad_token_id']];
  return said.find(isId) ?? (counted.includes(String(config['model_type'])) ? 1 : 0);
};

/** Where a list begins within another one. */
const indexWithin = (whole: readonly number[], part: readonly number[]): number =>
  whole.findIndex((_, at) => part.every((id, offset) => whole[at + offset] === id));

/** Cut off at `most` tokens in such a way that the text loses its end, and not what stands behind it. */
export const createTokenize = (tokenizerFile: Json, tokenizerConfig: Json, most: number): Tokenize => {
  const tokenizer = new Tokenizer(tokenizerFile, tokenizerConfig);
  const bare = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const sample = bare('a');
  const dressed = tokenizer.encode('a').ids;
  const start = indexWithin(dressed, sample);
  if (sample.length === 0 || start === -1) throw new Error('its tokenizer does not know the letter a');
  const before = dressed.slice(0, start);
  const after = dressed.slice(start + sample.length);
  const room = most - before.length - after.length;
  return (text) => [...before, ...bare(text).slice(0, room), ...after];
};
