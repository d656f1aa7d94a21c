import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { direction, silent, synonyms } from './embedding-server.ts';
import { floats, onnxFile, value } from './onnx-file.ts';

export interface ModelPlan {
  /** Everywhere and always the same vectors for a name; others for another one. */
  name?: string;
  /** Words that have a vector of their own; the model knows no others. */
  words: readonly string[];
  /** Numbers of a vector. */
  size?: number;
  /** Its only input beside the tokens, instead of those that models like it have. */
  asks?: string;
  /** Where the model lies. */
  onnx?: string;
}

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
const marks = ['query', 'passage', 'tag', ':'];

/** A tokenizer that knows whole words, in the form of BERT. */
export const wordTokenizer = (words: readonly string[]) => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: special.map((content, id) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries([...special, ...words].map((word, id) => [word, id])),
  },
});

/**
 * A real model of one step: it looks the vector of each token up. Words that mean the same have the same one, and the padding has
 * a long one that must not be heard.
 */
export const writeModelDirectory = (path: string, plan: ModelPlan): void => {
  const { name = 'first', words, size = 384, onnx = 'onnx/model_quantized.onnx' } = plan;
  const vocabulary = [...new Set([...marks, ...words])];
  const rowOf = (token: string): number[] => {
    const row = direction(name, synonyms.get(token) ?? token).slice(0, size);
    if (token === '[PAD]') return row.map((number) => number * 100);
    if (token === '[CLS]') return row.map((number) => number / 1000);
    return special.includes(token) || marks.includes(token) || silent.has(token) ? row.map(() => 0) : row;
  };
  const table = [...special, ...vocabulary].map(rowOf);
  const asked = ['input_ids', ...(plan.asks === undefined ? ['attention_mask', 'token_type_ids'] : [plan.asks])];
  mkdirSync(join(path, 'onnx'), { recursive: true });
  writeFileSync(
    join(path, onnx),
    onnxFile({
      nodes: [{ type: 'Gather', inputs: ['table', 'input_ids'], outputs: ['last_hidden_state'] }],
      constants: [floats('table', [table.length, size], table.flat())],
      inputs: asked.map((input) => value(input, 'int64', ['batch', 'tokens'])),
      outputs: [value('last_hidden_state', 'float', ['batch', 'tokens', size])],
    }),
  );
  const write = (file: string, content: unknown) => writeFileSync(join(path, file), JSON.stringify(content));
  write('tokenizer.json', wordTokenizer(vocabulary));
  write('tokenizer_config.json', { tokenizer_class: 'BertTokenizer', model_max_length: 16, pad_token: '[PAD]' });
  write('config.json', { model_type: 'bert', hidden_size: size, max_position_embeddings: 512, pad_token_id: 0 });
};
