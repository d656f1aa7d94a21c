import { describe, expect, it, test } from 'vitest';
import { wordTokenizer } from '../../../../test/support/model-directory.ts';
import { createTokenize, mostTokens, paddingOf } from './text-tokens.ts';

const special = (contents: readonly string[]) =>
  contents.map((content, id) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  }));
const ofRoberta = ['<s>', '<pad>', '</s>', '<unk>'];

/** As the files of XLM-RoBERTa are, such as those of multilingual-e5-small. */
const unigram = {
  version: '1.0',
  added_tokens: special(ofRoberta),
  normalizer: { type: 'NFKC' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
    ],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '<s>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
      '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
    },
  },
  decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
  model: {
    type: 'Unigram',
    unk_id: 3,
    vocab: [
      ...ofRoberta.map((piece) => [piece, 0]),
      ...[
        ['▁hel', -4],
        ['lo', -4],
        ['▁hello', -9],
        ['▁welt', -5],
        ['▁', -3],
        ['a', -3],
      ],
    ],
  },
};

/** As the files of RoBERTa are. */
const bytePairs = {
  version: '1.0',
  added_tokens: special(ofRoberta),
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: {
    type: 'RobertaProcessing',
    ...{ sep: ['</s>', 2], cls: ['<s>', 0], trim_offsets: true, add_prefix_space: false },
  },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    ...{ dropout: null, unk_token: '<unk>', continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false },
    vocab: { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, a: 4, h: 5, i: 6, hi: 7, Ġ: 8, Ġhi: 9 },
    merges: ['h i', 'Ġ hi'],
  },
};

describe('tokens', () => {
  it('of BERT: pieces of words, without case and accents', () => {
    const tokenize = createTokenize(wordTokenizer(['un', '##aff', '##able', 'cafe', ',']), {}, 512);
    expect(tokenize('Unaffable, Café!')).toEqual([2, 4, 5, 6, 8, 7, 1, 3]);
  });

  it('of XLM-RoBERTa: the pieces that are likeliest together', () => {
    const tokenize = createTokenize(unigram, { eos_token: '</s>' }, 512);
    expect(tokenize('hello Welt')).toEqual([0, 4, 5, 8, 3, 2]);
    expect(tokenize('hello  welt')).toEqual([0, 4, 5, 7, 2]);
  });

  it('of RoBERTa: pairs of bytes', () => {
    const tokenize = createTokenize(bytePairs, {}, 512);
    expect(tokenize('hi hi')).toEqual([0, 7, 9, 2]);
  });

  it('end where the model ends, with what stands behind them', () => {
    const tokenize = createTokenize(wordTokenizer(['one', 'two', 'three', 'four']), {}, 5);
    expect(tokenize('one two three')).toEqual([2, 4, 5, 6, 3]);
    expect(tokenize('one two three four')).toEqual([2, 4, 5, 6, 3]);
    expect(tokenize('')).toEqual([2, 3]);
  });

  it('need a tokenizer that knows letters', () => {
    const silent = { ...bytePairs, model: { ...bytePairs.model, vocab: {}, merges: [], unk_token: null } };
    expect(() => createTokenize(silent, {}, 512)).toThrow('its tokenizer does not know the letter a');
  });
});

test('how much a model reads is the least that its files say', () => {
  expect(mostTokens({ model_max_length: 256 }, { max_position_embeddings: 512 })).toBe(256);
  expect(mostTokens({ model_max_length: 1e30 }, { model_type: 'bert', max_position_embeddings: 512 })).toBe(512);
  expect(mostTokens({}, { model_type: 'xlm-roberta', max_position_embeddings: 514, pad_token_id: 1 })).toBe(512);
  expect(mostTokens({}, {})).toBe(512);
});

test('padding is what the tokenizer says, and only without its word what the model says', () => {
  const padded = { ...unigram, padding: { strategy: 'BatchLongest', pad_id: 7, pad_token: '▁' } };
  expect(paddingOf(padded, { pad_token: '<pad>' }, { pad_token_id: 0 })).toBe(7);
  const unpadded = { ...unigram, padding: null };
  expect(paddingOf(unpadded, { pad_token: '<pad>' }, { pad_token_id: 0 })).toBe(1);
  expect(paddingOf(unpadded, { pad_token: { content: '<pad>' } }, {})).toBe(1);
  expect(paddingOf(unpadded, { pad_token: '[PAD]' }, { pad_token_id: 3 })).toBe(3);
  expect(paddingOf(unpadded, { pad_token: null }, { model_type: 'xlm-roberta' })).toBe(1);
  expect(paddingOf({}, {}, { model_type: 'bert', pad_token_id: null })).toBe(0);
});
