/** Whether the search stays silent when a dialogue cannot answer: questions put to the next dialogue, as they are and with the speakers' names swapped. */
import { type AnalysedDialogue, withSpeakersOf } from './memory-analysis.ts';
import { quantile } from './memory-measures.ts';
import type { System } from './memory-systems.ts';

/** Of one dialogue's questions. */
export interface Confidences {
  answerable: number[];
  foreign: number[];
  /** The harder half: names tell nothing. */
  renamed: number[];
}

/** Of answerable questions that may be silenced. */
const silenced = 0.05;

export const confidencesOf = (dialogues: readonly AnalysedDialogue[], at: number, system: System): Confidences => {
  const own = dialogues[at]!;
  const result: Confidences = { answerable: [], foreign: [], renamed: [] };
  for (const question of own.questions) {
    result.answerable.push(system(own, question).confidence);
    const other = dialogues[(at + 1) % dialogues.length]!;
    result.foreign.push(system(other, question).confidence);
    result.renamed.push(system(other, withSpeakersOf(question, own, other)).confidence);
  }
  return result;
};

const joined = (list: readonly Confidences[]): Confidences => ({
  answerable: list.flatMap(({ answerable }) => answerable),
  foreign: list.flatMap(({ foreign }) => foreign),
  renamed: list.flatMap(({ renamed }) => renamed),
});

export const cutOffOf = (list: readonly Confidences[]): number => quantile(joined(list).answerable, silenced);

export interface SilenceShares {
  /** Of answerable questions that got no answer. */
  silenced: number;
  /** Of questions without an answer that got one. */
  foreign: number;
  renamed: number;
}

export const silenceShares = (list: readonly Confidences[], cutOff: number): SilenceShares => {
  const { answerable, foreign, renamed } = joined(list);
  const answered = (values: readonly number[]) => values.filter((value) => value >= cutOff).length / values.length;
  return { silenced: 1 - answered(answerable), foreign: answered(foreign), renamed: answered(renamed) };
};
