export interface PasswordStrength {
  /** 0 = refused by the rules, 1 weak to 4 strong. */
  level: 0 | 1 | 2 | 3 | 4;
  /** What it lacks, or how strong it is, in one sentence. */
  say: string;
}

const usual = /^(?:password|passwort|qwerty|letmein|welcome|iloveyou|admin|atrium)/i;
const lines = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/** Length in characters, runs of one character and of keyboard neighbours counted as one. */
const effectiveLength = (password: string): number => {
  const characters = [...password.toLowerCase()];
  let length = 0;
  for (const [index, character] of characters.entries()) {
    const before = characters[index - 1];
    const run =
      before !== undefined &&
      (before === character ||
        lines.some((line) => line.includes(before + character) || line.includes(character + before)));
    length += run ? 0.25 : 1;
  }
  return length;
};

/** Judges a password by length and guessability. The one hard rule is the server's: ten characters. */
export const passwordStrength = (password: string, known: readonly string[]): PasswordStrength => {
  const length = [...password].length;
  if (length === 0) return { level: 0, say: 'At least 10 characters. A sentence is easy to remember.' };
  if (length < 10) return { level: 0, say: `${10 - length} more ${length === 9 ? 'character' : 'characters'}` };
  const lower = password.toLowerCase();
  const contained = known
    .flatMap((text) => text.toLowerCase().split(/[@.\s]+/))
    .filter((word) => word.length > 3 && lower.includes(word));
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length;
  const score =
    effectiveLength(password) +
    kinds * 1.5 -
    contained.reduce((sum, word) => sum + word.length, 0) -
    (usual.test(password) ? 6 : 0);
  if (contained.length > 0 && score < 14) return { level: 1, say: 'Weak: it contains your name or e-mail' };
  if (score < 11) return { level: 1, say: 'Weak: easy to guess' };
  if (score < 15) return { level: 2, say: 'Fair' };
  if (score < 20) return { level: 3, say: 'Good' };
  return { level: 4, say: 'Strong' };
};
