/** A made-up diary of any size: words as rare as in real text (Zipf), conversations of twenty entries that keep to a topic. */

export interface MadeEntry {
  position: number;
  author: string;
  content: string;
  date: Date;
  asks: boolean;
}

/** Deterministic, so that two runs measure the same. */
const randomSource = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
};

const onsets = [
  'b',
  'br',
  'c',
  'ch',
  'd',
  'dr',
  'f',
  'g',
  'gl',
  'h',
  'k',
  'l',
  'm',
  'n',
  'p',
  'pr',
  'r',
  's',
  'st',
  't',
  'tr',
  'v',
  'w',
  'z',
];
const cores = ['a', 'e', 'i', 'o', 'u', 'ai', 'ea', 'ou'];
const codas = ['', 'n', 'r', 'l', 's', 'm', 't', 'nd', 'rk', 'ck'];

const vocabularySize = 40_000;
const conversation = 20;

export const makeCorpus = (entries: number, seed = 11) => {
  const random = randomSource(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const syllable = () => pick(onsets) + pick(cores) + pick(codas);
  const seen = new Set<string>();
  while (seen.size < vocabularySize) seen.add(syllable() + syllable() + (random() < 0.5 ? syllable() : ''));
  const vocabulary = [...seen];
  /** Rank r about as often as 1/r. */
  const common = () => vocabulary[Math.floor(vocabularySize ** random()) - 1]!;
  const made: MadeEntry[] = [];
  let topic: string[] = [];
  const start = Date.UTC(2023, 0, 1);
  for (let position = 0; position < entries; position += 1) {
    if (position % conversation === 0)
      topic = Array.from({ length: 40 }, () => vocabulary[100 + Math.floor(random() * 20_000)]!);
    const length = Math.round(Math.min(400, 8 + 25 * Math.exp(1.2 * (random() + random() - 1))));
    const words = Array.from({ length }, () => (random() < 0.3 ? pick(topic) : common()));
    const asks = random() < 0.15;
    made.push({
      position,
      author: position % 2 === 0 ? 'Agent Amber' : 'Agent Basalt',
      content: words.join(' ') + (asks ? '?' : '.'),
      date: new Date(start + Math.floor(position / conversation) * 3_600_000 * 3),
      asks,
    });
  }
  /** Some words of an entry, beside words that stand everywhere. */
  const query = (): string => {
    const words = made[Math.floor(random() * entries)]!.content.replace(/[.?]/gu, '').split(' ');
    return [...Array.from({ length: 2 + Math.floor(random() * 4) }, () => pick(words)), common(), common()].join(' ');
  };
  return { entries: made, query };
};
