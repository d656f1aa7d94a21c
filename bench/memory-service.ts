/** The dialogues written into diaries and searched as users do, by the services of the module. */
import { diariesCreate, diariesCreateEntry, diariesSearch } from '../packages/protocol/src/index.ts';
import { callBy } from '../packages/server/test/support/make-inbox.ts';
import { answerable, type Dialogue } from './memory-dialogues.ts';
import { openMemoryWorld } from './memory-world.ts';

/** For each dialogue and each of its questions the places of turns, best first. */
export const rankingsByService = async (dialogues: readonly Dialogue[]): Promise<number[][][]> => {
  const world = await openMemoryWorld({ durable: false });
  const { services, org } = world;
  try {
    const owner = callBy(await org.person('Owner'));
    const rankings: number[][][] = [];
    for (const dialogue of dialogues) {
      const diary = await services.diaries.create(owner, diariesCreate.input.parse({ name: dialogue.name }));
      // Everybody writes under their own name, as the people of a dialogue would.
      const calls = new Map<string, typeof owner>();
      for (const speaker of dialogue.speakers) {
        const person = await org.person(speaker);
        const offer = { diary_ref: diary.id, user_id: person.id, role: 'writer' as const };
        const share = await services.shares.share(owner, offer);
        await services.shares.accept(callBy(person), share.id);
        calls.set(speaker, callBy(person));
      }
      const places = new Map<string, number>();
      for (const [place, turn] of dialogue.turns.entries()) {
        const content = turn.caption === '' ? turn.text : `${turn.caption}\n${turn.text}`;
        const input = diariesCreateEntry.input.parse({
          diary_ref: diary.id,
          content,
          valid_from: turn.date.toISOString(),
        });
        places.set((await services.entries.create(calls.get(turn.speaker)!, input)).id, place);
      }
      const answers: number[][] = [];
      for (const question of answerable(dialogue)) {
        const input = diariesSearch.input.parse({
          diary_ref: diary.id,
          query: question.text,
          limit: 200,
          abstain: false,
          content: 'snippet',
        });
        const { items } = await services.search.search(owner, input);
        answers.push(items.map(({ id }) => places.get(id)!));
      }
      rankings.push(answers);
    }
    return rankings;
  } finally {
    await world.close();
  }
};
