import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Turn {
  speaker: string;
  text: string;
  /** What a picture shared with the turn shows. */
  caption: string;
  date: Date;
}

export interface Question {
  text: string;
  category: number;
  /** Turns of the dialogue that hold the answer. */
  evidence: ReadonlySet<number>;
}

export interface Dialogue {
  name: string;
  speakers: [string, string];
  turns: Turn[];
  questions: Question[];
}

type Json = Record<string, unknown>;

/** `1:56 pm on 8 May, 2023` */
const dateOf = (text: string): Date => {
  const parts = /on (\d+) (\w+),? (\d{4})/u.exec(text);
  const date = new Date(`${parts?.[1]} ${parts?.[2]} ${parts?.[3]} UTC`);
  if (Number.isNaN(date.getTime())) throw new Error(`Not a date of LoCoMo: ${text}`);
  return date;
};

const readDialogue = (name: string, file: Json): Dialogue => {
  const conversation = (file['conversation'] ?? file) as Json;
  const turns: Turn[] = [];
  const places = new Map<string, number>();
  for (let session = 1; conversation[`session_${session}_date_time`] !== undefined; session += 1) {
    const date = dateOf(String(conversation[`session_${session}_date_time`]));
    for (const turn of (conversation[`session_${session}`] ?? []) as Json[]) {
      places.set(String(turn['dia_id']), turns.length);
      turns.push({
        speaker: String(turn['speaker']),
        text: String(turn['text']),
        caption: String(turn['blip_caption'] ?? ''),
        date,
      });
    }
  }
  const questions = (file['qa'] as Json[]).map((qa) => ({
    text: String(qa['question']),
    category: Number(qa['category']),
    // Some items join several turns with a semicolon or a space, some name turns that do not exist.
    evidence: new Set(
      ((qa['evidence'] ?? []) as string[])
        .flatMap((evidence) => evidence.match(/D\d+:\d+/gu) ?? [])
        .map((id) => places.get(id))
        .filter((place) => place !== undefined),
    ),
  }));
  return { name, speakers: [String(conversation['speaker_a']), String(conversation['speaker_b'])], turns, questions };
};

/** The ten dialogues, from one file or from a file each. */
export const readDialogues = (folder: string): Dialogue[] => {
  const together = join(folder, 'locomo10.json');
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown;
  if (existsSync(together)) {
    return (read(together) as Json[]).map((file, at) => readDialogue(String(file['sample_id'] ?? at), file));
  }
  const names = readdirSync(folder).filter((name) => /^\d+\.json$/u.test(name));
  if (names.length < 2) throw new Error(`${folder} holds neither locomo10.json nor a numbered file for each dialogue`);
  return names.sort().map((name) => readDialogue(name, read(join(folder, name)) as Json));
};

/** Questions whose answer stands in the dialogue. Category 5 asks for what was never said. */
export const answerable = (dialogue: Dialogue): Question[] =>
  dialogue.questions.filter(({ category, evidence }) => category <= 4 && evidence.size > 0);
