/**
 * `npm run bench:memory`: how well the search of diaries finds the turns of LoCoMo that answer its questions, beside three peers, on
 * dialogues that had no part in choosing its parameters; and how often it stays silent when it should. `--write` puts the figures into
 * docs/performance.md. LoCoMo itself is not ours to hand on: ATRIUM_LOCOMO_DIR names the folder with its files.
 */
import pg from 'pg';
import type { RankingParameters } from '../packages/server/src/modules/diaries/search/ranking.ts';
import { startTestServer } from '../packages/server/test/support/test-server.ts';
import { type AnalysedDialogue, analyse } from './memory-analysis.ts';
import { readDialogues } from './memory-dialogues.ts';
import { type Measures, measure } from './memory-measures.ts';
import { type FoldResult, memoryReport, type SystemResult, targetsMet } from './memory-report.ts';
import { confidencesOf, cutOffOf, silenceShares } from './memory-silence.ts';
import { bm25, bm25WithNeighbours, ours, type System, seedSearch } from './memory-systems.ts';
import { type Objective, tune } from './memory-tuning.ts';
import { writeMemorySection } from './performance-file.ts';

const foldCount = 5;

const readAnalysed = async (folder: string): Promise<AnalysedDialogue[]> => {
  const dialogues = readDialogues(folder);
  const server = await startTestServer();
  const client = new pg.Client({ connectionString: server.urlOf('postgres') });
  await client.connect();
  try {
    const analysed: AnalysedDialogue[] = [];
    for (const dialogue of dialogues) analysed.push(await analyse(client, dialogue));
    return analysed;
  } finally {
    await client.end();
    await server.stop();
  }
};

const folder = process.env['ATRIUM_LOCOMO_DIR'];
if (!folder) {
  console.error(
    'ATRIUM_LOCOMO_DIR is not set. It names a folder with locomo10.json, or with ten numbered files, of the public repository snap-research/locomo.',
  );
  process.exit(2);
}

const dialogues = await readAnalysed(folder);
const all = dialogues.map((_, at) => at);
console.log(`${dialogues.length} dialogues analysed`);

const measuresOf = (at: number, system: System): { category: number; measures: Measures }[] =>
  dialogues[at]!.questions.map((question) => ({
    category: question.category,
    measures: measure(system(dialogues[at]!, question).places, question.evidence),
  }));

const remembered = new Map<string, ReturnType<Objective>>();

/** Recall and order count alike. */
const objective: Objective = (at, parameters) => {
  const key = `${at} ${JSON.stringify(parameters)}`;
  const known = remembered.get(key);
  if (known) return known;
  const results = measuresOf(at, ours(parameters));
  const value = {
    sum: results.reduce((sum, { measures }) => sum + measures['R@10'] + measures['nDCG@10'], 0),
    count: results.length,
  };
  remembered.set(key, value);
  return value;
};

const resultOf = (name: string, systemFor: (at: number) => System): SystemResult => ({
  name,
  groups: all.map((at) => measuresOf(at, systemFor(at))),
});

const folds: FoldResult[] = [];
const parametersFor = new Map<number, RankingParameters>();
for (let fold = 0; fold < foldCount; fold += 1) {
  const heldOut = all.filter((at) => at % foldCount === fold);
  const training = all.filter((at) => at % foldCount !== fold);
  const parameters = tune(training, objective);
  for (const at of heldOut) parametersFor.set(at, parameters);
  const confidences = all.map((at) => confidencesOf(dialogues, at, ours(parameters)));
  const cutOff = cutOffOf(training.map((at) => confidences[at]!));
  folds.push({
    parameters,
    cutOff,
    silence: silenceShares(
      heldOut.map((at) => confidences[at]!),
      cutOff,
    ),
    heldOut: heldOut.map((at) => confidences[at]!),
  });
  console.log(`fold ${fold + 1}: ${JSON.stringify(parameters)}`);
}
const chosenOnAll = tune(all, objective);
console.log(`chosen on all: ${JSON.stringify(chosenOnAll)}`);

const systems = [
  resultOf('Lexical search of the seed (words AND-ed, ts_rank)', () => seedSearch),
  resultOf('BM25 (1.2, 0.75)', () => bm25),
  resultOf('BM25 + 0.35 × neighbours', () => bm25WithNeighbours),
  resultOf('Atrium, held out', (at) => ours(parametersFor.get(at))),
  resultOf('Atrium, as delivered', () => ours()),
];
const silences = (
  [
    ['BM25, its score', bm25],
    ['BM25 + neighbours, its score', bm25WithNeighbours],
    ['Atrium, as delivered', ours()],
  ] as const
).map(([name, system]) => {
  const confidences = all.map((at) => confidencesOf(dialogues, at, system));
  const cutOff = cutOffOf(confidences);
  return { name, cutOff, shares: silenceShares(confidences, cutOff) };
});

const report = memoryReport({ dialogues, systems, folds, chosenOnAll, silences });
console.log(report);
if (process.argv.includes('--write')) writeMemorySection(report);
process.exit(targetsMet(systems, folds) ? 0 : 1);
